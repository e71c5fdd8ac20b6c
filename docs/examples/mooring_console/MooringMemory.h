// Settings in EEPROM: two slots, of which the newer whole one counts. A loss of power at any moment
// leaves the settings of before or the new ones.
#pragma once

#include <Arduino.h>
#include <EEPROM.h>

#include "Sha256.h"

#ifndef MOORING_TABLE_BYTES  // all settings; two times this and 24 bytes must fit in EEPROM
#ifdef __AVR__
#define MOORING_TABLE_BYTES 480
#else
#define MOORING_TABLE_BYTES 4000
#endif
#endif

class MooringMemory {
 public:
  char table[MOORING_TABLE_BYTES];
  size_t used = 0;

  void begin() {
#if defined(ESP32) || defined(ESP8266)
    EEPROM.begin(2 * SLOT_BYTES);
#endif
  }

  // The table becomes what is stored.
  void load() {
    Slot slots[2];
    bool whole[2] = {read(0, slots[0]), read(1, slots[1])};
    bool second = whole[1] && (!whole[0] || int16_t(slots[1].generation - slots[0].generation) > 0);
    used = 0;
    generation = 0;
    if (!whole[second]) return;
    generation = slots[second].generation;
    used = slots[second].used;
    for (size_t i = 0; i < used; i++) table[i] = char(stored(i));
  }

  // The table goes into the slot that does not count. True when it was read back alike.
  bool store() {
    Slot slot = {uint16_t(generation + 1), uint16_t(used), {}}, found;
    check(slot, false);
    const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&slot);
    for (size_t i = 0; i < used; i++) write(place(slot.generation) + sizeof slot + i, table[i]);
    for (size_t i = 0; i < sizeof slot; i++) write(place(slot.generation) + i, bytes[i]);
#if defined(ESP32) || defined(ESP8266)
    if (!EEPROM.commit()) return false;
#endif
    if (!read(slot.generation % 2, found) || memcmp(&found, &slot, sizeof slot)) return false;
    generation = slot.generation;
    return true;
  }

  // A byte of what is stored.
  uint8_t stored(size_t i) const { return EEPROM.read(place(generation) + sizeof(Slot) + i); }

 private:
  struct Slot {
    uint16_t generation, used;
    uint8_t check[8];
  };
  static const size_t SLOT_BYTES = sizeof(Slot) + MOORING_TABLE_BYTES;
  uint16_t generation = 0;

  static size_t place(uint16_t generation) { return generation % 2 ? SLOT_BYTES : 0; }

  void check(Slot &slot, bool memory) const {
    Sha256 sha;
    uint8_t digest[32];
    sha.add(&slot, 4);
    for (size_t i = 0; i < slot.used; i++) {
      uint8_t byte = memory ? EEPROM.read(place(slot.generation) + sizeof slot + i) : table[i];
      sha.add(&byte, 1);
    }
    sha.finish(digest);
    memcpy(slot.check, digest, sizeof slot.check);
  }

  bool read(uint16_t number, Slot &slot) const {
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&slot);
    for (size_t i = 0; i < sizeof slot; i++) bytes[i] = EEPROM.read(place(number) + i);
    Slot same = slot;
    if (slot.used > sizeof table || slot.generation % 2 != number) return false;
    check(same, true);
    return !memcmp(&same, &slot, sizeof slot);
  }

  static void write(size_t address, uint8_t byte) {
    if (EEPROM.read(address) != byte) EEPROM.write(address, byte);
  }
};
