// The console with all keys and nothing else: for the tests of the protocol.
#include <Arduino.h>

#include "MooringConsole.h"

MooringConsole console(Serial, KEYS);

int main() {
  console.id = getenv("MOORING_ID");
  console.family = "esp32";
  console.begin();
  console.report(getenv("MOORING_STATE"), getenv("MOORING_DETAIL"));
  for (;;) console.poll();
}
