; A program that takes the place of the agent where no Windows build of it is at hand: it writes its
; arguments into a file beside itself and ends, or stays for a minute if told so; where the installer asks it to end, it
; says so elsewhere, since its folder is about to go. With it the installers are tried in Wine.
Unicode true
Target amd64-unicode
RequestExecutionLevel user
SilentInstall silent
Name "stand-in"
OutFile "${OUTPUT}"
!include FileFunc.nsh
!include LogicLib.nsh

Section
  ${GetParameters} $0
  ${If} $0 == "quit --yes"
    FileOpen $1 "$LOCALAPPDATA\asked.txt" w
    FileWrite $1 "$0"
    FileClose $1
    Quit
  ${EndIf}
  FileOpen $1 "$EXEDIR\started.txt" w
  FileWrite $1 "$0"
  FileClose $1
  ${If} $0 == "stay"
    Sleep 60000
  ${EndIf}
SectionEnd
