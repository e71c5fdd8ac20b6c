// As much of the Arduino core as the example sketch uses, on a POSIX system: the serial port is
// standard input and output, which the test connects to a pseudo-terminal.
#pragma once

#include <ctype.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGMEM
#define pgm_read_dword(address) (*(address))

inline unsigned long millis() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (unsigned long)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

class Stream {
 public:
  int available() {
    if (at == have) {
      pollfd port = {0, POLLIN, 0};
      if (poll(&port, 1, 5) <= 0) return 0;
      ssize_t size = ::read(0, buffer, sizeof buffer);
      if (size <= 0) exit(0);  // the power went
      at = 0;
      have = size_t(size);
    }
    return int(have - at);
  }
  int read() { return available() ? buffer[at++] : -1; }
  size_t write(uint8_t byte) {
    text[filled++] = byte;
    if (byte == '\n' || filled == sizeof text) flush();
    return 1;
  }
  size_t print(const char *words) {
    for (; *words; words++) write(uint8_t(*words));
    return 0;
  }
  size_t println(const char *words) {
    print(words);
    return print("\r\n");
  }
  void flush() {
    for (size_t done = 0; done < filled;) {
      ssize_t size = ::write(1, text + done, filled - done);
      if (size < 0) exit(0);
      done += size_t(size);
    }
    filled = 0;
  }
  void begin(long) {}

 private:
  uint8_t buffer[256], text[512];
  size_t at = 0, have = 0, filled = 0;
};

inline Stream Serial;

struct Esp {
  uint64_t getEfuseMac() { return 0x2b1a0561c63cULL; }  // 3c:c6:61:05:1a:2b
};
inline Esp ESP;
