// The serial console of Mooring (docs/console.md) for any sketch: settings arrive over the serial
// port and outlive a loss of power at every moment. Needs no heap; 800 bytes of RAM on an UNO.
#pragma once

#include <Arduino.h>

#include "MooringMemory.h"
#include "Sha256.h"

class MooringConsole {
 public:
  const char *id = "";  // of the hardware, hex digits; set it where the board has one
  const char *family = "arduino";
  const char *firmware = "mooring_console";
  const char *version = "1.0";

  // The keys that this sketch makes use of; "!" marks a secret, which is never read back.
  MooringConsole(Stream &port, const char *keys) : port(port), keys(keys) {}

  void begin() {
    memory.begin();
    load();
    if (used) report("connecting");
    heard = millis() - 3000;  // listens for two seconds before the sketch connects
    spoken = true;
  }

  // Call it often. True once after new settings were stored: use them from now on.
  bool poll() {
    fresh = false;
    while (port.available()) {
      char c = char(port.read());
      if (c == '\r' || c == '\n') {
        line[length] = 0;
        length = 0;
        obey();
      } else if (c && length < sizeof line - 1) {
        line[length++] = c;
      }
    }
    if (open && millis() - heard > 60000) load();  // the host went away in the middle
    return fresh;
  }

  // A host is talking. Do not begin what takes longer than a second.
  bool busy() const { return open || (spoken && !done && millis() - heard < 5000); }

  // The value of a key; empty if there is none. Not to be kept over the next poll().
  const char *get(const char *key) const {
    for (const char *entry = table; !open && entry < table + used; entry = next(entry)) {
      if (!strcmp(entry, key)) return entry + strlen(entry) + 1;
    }
    return "";
  }

  // For the host: "idle", "connecting", "connected", "refused" or "network-failed", and why.
  void report(const char *now, const char *why = "") {
    state = now;
    detail = why;
  }

 private:
  Stream &port;
  const char *keys, *state = "idle", *detail = "";
  MooringMemory memory;
  char *const table = memory.table;  // key, zero, value, zero, key, …; a draft while one is open
  size_t &used = memory.used;
  size_t kept = 0, current = 0;  // bytes of what is not replaced; where the last key stands
  char line[256], session[9] = "";
  size_t length = 0;
  uint16_t crc = 0;
  uint32_t heard = 0;
  bool open = false, done = false, fresh = false, spoken = false;
  bool network = false, cloud = false;  // what is replaced

  static const char *next(const char *entry) {
    entry += strlen(entry) + 1;
    return entry + strlen(entry) + 1;
  }

  // --- lines ------------------------------------------------------------------------------

  void obey() {
    char *text = strstr(line, "mooring "), *words[8];
    for (char *later = text; later && (later = strstr(later + 1, "mooring "));) text = later;
    char *star = text ? strrchr(text, '*') : nullptr;
    if (!star || strlen(star) != 5) return;
    crc = 0xFFFF;
    for (char *c = text; c < star - 1; c++) count(*c);
    if (star[-1] != ' ' || strtoul(star + 1, nullptr, 16) != crc) return;
    star[-1] = 0;
    int n = 0;
    for (char *w = strtok(text, " "); w && n < 8; w = strtok(nullptr, " ")) words[n++] = w;
    if (n < 3) return;
    crc = 0xFFFF;
    say("moored ");
    say(words[1]);
    words[1][strcspn(words[1], ".")] = 0;
    const char *verb = words[2];
    if (strcmp(verb, "status")) {
      heard = millis();
      spoken = true;
    }
    if (!strcmp(verb, "hello")) hello();
    else if (!strcmp(verb, "get") && n == 5) tell(words[3], atol(words[4]));
    else if (!strcmp(verb, "status")) status();
    else if (!strcmp(verb, "begin") && strlen(words[1]) == 8) start(words[1], words + 3, n - 3);
    else if (strcmp(verb, "set") && strcmp(verb, "commit")) say(" error verb");
    else if (strcmp(session, words[1])) say(open ? " error other" : " error begin");
    else if (!strcmp(verb, "set") && n == 6) set(words[3], atol(words[4]), words[5]);
    else if (!strcmp(verb, "commit") && n == 4) commit(words[3]);
    else say(" error verb");
    char end[8];
    snprintf(end, sizeof end, " *%04X", crc);
    port.println(end);
  }

  void load() {
    memory.load();
    open = done = false;
    kept = current = 0;
  }

  void field(const char *name, const char *value) {
    if (!*value) return;
    say(name);
    escape(value, 50);
  }

  void hello() {
    load();
    say(" ok 1 groups=network,cloud");
    field(" family=", family);
    field(" firmware=", firmware);
    field(" version=", version);
    field(" id=", id);
  }

  void status() {
    say(" ok ");
    say(state);
    field(" ", detail);
  }

  void tell(const char *key, size_t offset) {
    if (known(key) != ' ') return say(known(key) ? " error secret" : " error key");
    const char *value = get(key);
    if (offset > strlen(value)) return say(" error order");
    char number[12];
    snprintf(number, sizeof number, " ok %u", unsigned(strlen(value)));
    say(number);
    field(" ", value + offset);
  }

  // --- a delivery -------------------------------------------------------------------------

  void start(const char *by, char **groups, int n) {
    network = cloud = false;
    for (int i = 0; i < n; i++) {
      network |= !strcmp(groups[i], "network");
      cloud |= !strcmp(groups[i], "cloud");
    }
    if (int(network) + int(cloud) != n || !n) return say(" error group");
    load();
    for (const char *entry = table, *end = table + used, *after; entry < end; entry = after) {
      after = next(entry);
      if (replaced(entry)) continue;
      memmove(table + kept, entry, after - entry);
      kept += after - entry;
    }
    used = current = kept;
    strcpy(session, by);
    open = true;
    say(" ok");
  }

  bool replaced(const char *key) const { return strncmp(key, "tb_", 3) ? network : cloud; }

  void set(const char *key, size_t offset, char *word) {
    if (!open) return say(" error begin");
    if (!known(key)) return say(" error key");
    if (!replaced(key)) return say(" error group");
    size_t size = unescape(word), have = 0, more = strlen(key) + 2 + size;
    int order = current == used ? 1 : strcmp(key, table + current);
    if (!order) {
      const char *value = table + current + strlen(key) + 1;
      have = strlen(value);
      if (offset + size <= have && !memcmp(value + offset, word, size)) return say(" ok");
      more = size;
    }
    if (!size || order < 0 || offset != have) return say(" error order");
    if (used + more > MOORING_TABLE_BYTES) return full();
    if (order) {
      strcpy(table + used, key);
      current = used;
      used += strlen(key) + 2;
    }
    memcpy(table + used - 1, word, size);
    used += size;
    table[used - 1] = 0;
    say(" ok");
  }

  void full() {
    char text[20];
    snprintf(text, sizeof text, " error full %u", unsigned(MOORING_TABLE_BYTES - kept));
    say(text);
  }

  void commit(const char *wanted) {
    char digest[65];
    if (!open && !done) return say(" error begin");
    hash("draft", digest, false);
    if (strcmp(digest, wanted)) return say(" error digest");
    if (open && !memory.store()) {
      load();
      return say(" error store");
    }
    fresh = fresh || open;
    if (open) report("connecting");
    open = false;
    done = true;
    hash("stored", digest, true);
    say(" ok ");
    say(digest);
  }

  void hash(const char *stage, char *hex, bool stored) const {
    Sha256 sha;
    uint8_t digest[32];
    sha.add(stage, strlen(stage) + 1);
    sha.add(session, strlen(session) + 1);
    for (size_t i = kept; i < used; i++) {
      uint8_t byte = stored ? memory.stored(i) : uint8_t(table[i]);
      sha.add(&byte, 1);
    }
    sha.finish(digest);
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
  }

  // --- words ------------------------------------------------------------------------------

  // ' ' for a key of this sketch, '!' for a secret one, zero for another.
  char known(const char *key) const {
    size_t size = strcspn(key, "!");
    for (const char *at = key[size] ? "" : keys; (at = strstr(at, key)); at++) {
      bool begins = at == keys || at[-1] == ' ';
      if (begins && (at[size] == ' ' || at[size] == '!' || !at[size])) {
        return at[size] == '!' ? '!' : ' ';
      }
    }
    return 0;
  }

  void count(char c) {  // CRC-16/IBM-3740
    crc ^= uint16_t(uint8_t(c)) << 8;
    for (int i = 0; i < 8; i++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
  }

  void say(const char *text) {
    for (; *text; text++) {
      count(*text);
      port.write(*text);
    }
  }

  void escape(const char *bytes, size_t limit) {
    char text[4];
    for (; *bytes && limit--; bytes++) {
      bool plain = isalnum(uint8_t(*bytes)) || strchr("-._~+/=:,@", *bytes);
      snprintf(text, sizeof text, plain ? "%c" : "%%%02X", uint8_t(*bytes));
      say(text);
    }
  }

  static size_t unescape(char *word) {  // in place; 0 for what is no word of the protocol
    char *to = word;
    for (const char *from = word; *from; to++) {
      if (*from != '%') {
        *to = *from++;
        continue;
      }
      if (!isxdigit(uint8_t(from[1])) || !isxdigit(uint8_t(from[2]))) return 0;
      const char hex[3] = {from[1], from[2], 0};
      *to = char(strtoul(hex, nullptr, 16));
      if (!*to) return 0;
      from += 3;
    }
    return to - word;
  }
};
