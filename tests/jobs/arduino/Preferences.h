// As much of the Arduino core for the ESP32 as the lines in docs/nvs.md use: a settings area that is
// a file of lines, each a type, a key and a value in hexadecimal digits.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

using String = std::string;
enum PreferenceType { PT_STR, PT_BLOB, PT_INVALID };

class Preferences {
 public:
  bool begin(const char *name, bool read_only) {
    std::ifstream file(std::string(name) + ".txt");
    for (std::string type, key, digits; file >> type >> key >> digits;) {
      std::string value;
      for (size_t at = 0; at + 1 < digits.size(); at += 2)
        value += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
      values_[key] = {type == "string" ? PT_STR : PT_BLOB, value};
    }
    return read_only && !values_.empty();
  }
  PreferenceType getType(const char *key) {
    return values_.count(key) ? values_[key].first : PT_INVALID;
  }
  String getString(const char *key) { return values_.at(key).second; }
  size_t getBytesLength(const char *key) { return values_.at(key).second.size(); }
  size_t getBytes(const char *key, void *into, size_t size) {
    memcpy(into, values_.at(key).second.data(), size);
    return size;
  }

 private:
  std::map<std::string, std::pair<PreferenceType, std::string>> values_;
};

struct {
  void begin(const char *ssid, const char *password) { printf("%s\n%s\n", ssid, password); }
} WiFi;
struct {
  void begin(int baud) { printf("%d\n", baud); }
} Serial;
