; A program that takes the place of the agent where no Windows build of it is at hand: it writes its
; arguments into a file beside itself and ends, or stays for a minute if told so. With it the installers are tried in Wine.
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
  FileOpen $1 "$EXEDIR\started.txt" w
  FileWrite $1 "$0"
  FileClose $1
  ${If} $0 == "stay"
    Sleep 60000
  ${EndIf}
SectionEnd
