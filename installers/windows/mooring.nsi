; The installer for one person: no administrator, no question that has only one answer.
; Made by `installers/build.py nsis`, which defines VERSION, WHOLE_VERSION, PAYLOAD, FILES (a list of
; what the uninstaller removes), ICON, SIZE_KB and OUTPUT.
Unicode true
Target amd64-unicode
ManifestDPIAware true
SetCompressor /SOLID lzma
RequestExecutionLevel user

!include MUI2.nsh
!include FileFunc.nsh
!include WordFunc.nsh

!define NAME "Mooring"
!define PUBLISHER "The Mooring authors"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Mooring"
; The value that `mooring service` writes, and what the settings of Windows keep beside it.
!define RUN_KEY "Software\Microsoft\Windows\CurrentVersion\Run"
!define APPROVED_KEY "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
!define APP_PATHS "Software\Microsoft\Windows\CurrentVersion\App Paths\mooring.exe"
!define PATH_CHARS_MAX 900 ; NSIS cuts texts at 1024: a longer PATH must never pass through it

!ifdef SIGN_COMMAND
  !uninstfinalize '${SIGN_COMMAND} "%1"' = 0
!endif

Name "${NAME}"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\Mooring"
InstallDirRegKey HKCU "${UNINSTALL_KEY}" "InstallLocation"
VIProductVersion "${WHOLE_VERSION}.0"
VIAddVersionKey ProductName "${NAME}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "${NAME} Setup"
VIAddVersionKey CompanyName "${PUBLISHER}"
VIAddVersionKey LegalCopyright "Apache License 2.0"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\mooringw.exe"
!define MUI_FINISHPAGE_RUN_PARAMETERS "run"
!define MUI_FINISHPAGE_RUN_TEXT "Start Mooring"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Whether this person's PATH is short enough to pass through NSIS: asks Windows for its size alone.
; Result: $R9 = 1 or 0.
!macro PathFits un
Function ${un}PathFits
  StrCpy $R9 0
  System::Call 'advapi32::RegOpenKeyExW(p 0x80000001, w "Environment", i 0, i 0x20019, *p .R0) i .R1'
  ${If} $R1 = 0
    System::Call 'advapi32::RegQueryValueExW(p R0, w "Path", p 0, p 0, p 0, *i .R2) i .R1'
    System::Call 'advapi32::RegCloseKey(p R0)'
    ${If} $R1 = 2 ; there is none yet
      StrCpy $R9 1
    ${ElseIf} $R1 = 0
      IntOp $R2 $R2 / 2
      ${If} $R2 < ${PATH_CHARS_MAX}
        StrCpy $R9 1
      ${EndIf}
    ${EndIf}
  ${EndIf}
FunctionEnd
!macroend

; The agent ends (that of another person is out of reach without an administrator's rights); it finishes or undoes at its next start what it began.
!macro EndAgent un
Function ${un}EndAgent
  ${If} ${FileExists} "$INSTDIR\mooringw.exe"
    ; First it is asked, so that its jobs undo what they must; a version that does not know the word ends at once.
    nsExec::Exec /TIMEOUT=20000 '"$INSTDIR\mooring.exe" quit --yes'
    Pop $0
    nsExec::Exec '"$SYSDIR\taskkill.exe" /IM mooringw.exe /F'
    Pop $0
    nsExec::Exec '"$SYSDIR\taskkill.exe" /IM mooring.exe /F'
    Pop $0
    ; Windows frees the files of an ended program a moment later.
    StrCpy $1 0
    ${Do}
      ClearErrors
      FileOpen $0 "$INSTDIR\mooringw.exe" a
      ${IfNot} ${Errors}
        FileClose $0
        ${ExitDo}
      ${EndIf}
      Sleep 100
      IntOp $1 $1 + 1
    ${LoopUntil} $1 > 50
  ${EndIf}
FunctionEnd
!macroend

!insertmacro PathFits ""
!insertmacro PathFits "un."
!insertmacro EndAgent ""
!insertmacro EndAgent "un."

!macro RemoveFiles
  ; Only what was installed, file by file: the folder may hold something of the person.
  !include "${FILES}"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
!macroend

Section "Mooring"
  Call EndAgent
  SetShellVarContext current
  StrCpy $2 "" ; at an upgrade "Start at login" stays as the person left it
  ReadRegStr $2 HKCU "${UNINSTALL_KEY}" "DisplayVersion"
  ; Files of an earlier version that this one has no longer.
  ${If} ${FileExists} "$INSTDIR\_internal\*.*"
    RMDir /r "$INSTDIR\_internal"
  ${EndIf}
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}/*"
  WriteUninstaller "$INSTDIR\uninstall.exe"

  CreateShortcut "$SMPROGRAMS\Mooring.lnk" "$INSTDIR\mooringw.exe" "run" "$INSTDIR\mooringw.exe" 0

  ${If} $2 == ""
    WriteRegStr HKCU "${RUN_KEY}" "Mooring" '"$INSTDIR\mooringw.exe" run --no-page'
  ${EndIf}

  WriteRegStr HKCU "${APP_PATHS}" "" "$INSTDIR\mooring.exe"
  Call PathFits
  ${If} $R9 = 1
    ReadRegStr $0 HKCU "Environment" "Path"
    ${WordAdd} "$0" ";" "+$INSTDIR" $0
    WriteRegExpandStr HKCU "Environment" "Path" "$0"
    SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=2000
  ${Else}
    DetailPrint "Your PATH is too long to be changed here; add $INSTDIR to it to call mooring by name."
  ${EndIf}

  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "${PUBLISHER}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\mooringw.exe,0"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
SectionEnd

Section "Uninstall"
  Call un.EndAgent
  SetShellVarContext current
  Delete "$SMPROGRAMS\Mooring.lnk"
  DeleteRegValue HKCU "${RUN_KEY}" "Mooring"
  DeleteRegValue HKCU "${APPROVED_KEY}" "Mooring"
  DeleteRegKey HKCU "${APP_PATHS}"
  Call un.PathFits
  ${If} $R9 = 1
    ReadRegStr $0 HKCU "Environment" "Path"
    ${un.WordAdd} "$0" ";" "-$INSTDIR" $0
    ${If} $0 == ""
      DeleteRegValue HKCU "Environment" "Path"
    ${Else}
      WriteRegExpandStr HKCU "Environment" "Path" "$0"
    ${EndIf}
    SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=2000
  ${EndIf}
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  !insertmacro RemoveFiles
SectionEnd
