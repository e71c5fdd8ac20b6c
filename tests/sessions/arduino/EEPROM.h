// An EEPROM in a file. MOORING_WRITES_LEFT bytes are written, then the power goes; if it is "none",
// the memory is worn out and keeps what it has.
#pragma once

#include <Arduino.h>

class Eeprom {
 public:
  bool begin(size_t) { return true; }
  bool commit() { return true; }
  uint8_t read(size_t address) {
    open();
    int byte = fseek(file, long(address), SEEK_SET) ? EOF : fgetc(file);
    return byte == EOF ? 0xFF : uint8_t(byte);
  }
  void write(size_t address, uint8_t byte) {
    open();
    if (worn) return;
    if (left >= 0 && left-- == 0) {
      Serial.flush();
      _exit(9);
    }
    fseek(file, long(address), SEEK_SET);
    fputc(byte, file);
    fflush(file);
  }

 private:
  FILE *file = nullptr;
  long left = -1;
  bool worn = false;
  void open() {
    if (file) return;
    const char *name = getenv("MOORING_EEPROM"), *limit = getenv("MOORING_WRITES_LEFT");
    file = fopen(name, "r+b");
    if (!file) file = fopen(name, "w+b");
    if (!file) exit(8);
    if (limit) left = atol(limit);
    worn = limit && !strcmp(limit, "none");
  }
};

inline Eeprom EEPROM;
