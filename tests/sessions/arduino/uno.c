/* A simulated ATmega328P (libsimavr) with an Arduino program: its serial port is standard input and
 * output, its EEPROM a file (MOORING_EEPROM). */
#include <poll.h>
#include <simavr/avr_eeprom.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EEPROM_BYTES = 1024, SLICE_CYCLES = 16000 };

static int ready;

static void send(struct avr_irq_t *irq, uint32_t value, void *nobody) {
  (void)irq, (void)nobody;
  uint8_t byte = (uint8_t)value;
  if (write(1, &byte, 1) != 1) exit(0);
}

static void set_ready(struct avr_irq_t *irq, uint32_t value, void *yes) {
  (void)irq, (void)value;
  ready = yes != NULL;
}

static void keep(avr_t *avr, const char *name) {
  static uint8_t before[EEPROM_BYTES], now[EEPROM_BYTES];
  avr_eeprom_desc_t all = {.ee = now, .offset = 0, .size = EEPROM_BYTES};
  avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &all);
  if (!memcmp(before, now, EEPROM_BYTES)) return;
  memcpy(before, now, EEPROM_BYTES);
  FILE *file = fopen(name, "wb");
  if (!file || fwrite(now, 1, EEPROM_BYTES, file) != EEPROM_BYTES || fclose(file)) exit(8);
}

int main(int count, char **words) {
  const char *name = getenv("MOORING_EEPROM");
  elf_firmware_t program = {0};
  if (count != 2 || !name || elf_read_firmware(words[1], &program)) return 7;
  avr_t *avr = avr_make_mcu_by_name("atmega328p");
  avr_init(avr);
  program.frequency = 16000000;
  avr_load_firmware(avr, &program);

  uint8_t stored[EEPROM_BYTES];
  memset(stored, 0xFF, sizeof stored);
  FILE *file = fopen(name, "rb");
  if (file) (void)!fread(stored, 1, sizeof stored, file), fclose(file);
  avr_eeprom_desc_t all = {.ee = stored, .offset = 0, .size = EEPROM_BYTES};
  avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &all);

  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_t *uart = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), 0);
  avr_irq_register_notify(uart + UART_IRQ_OUTPUT, send, NULL);
  avr_irq_register_notify(uart + UART_IRQ_OUT_XON, set_ready, &ready);
  avr_irq_register_notify(uart + UART_IRQ_OUT_XOFF, set_ready, NULL);

  uint8_t waiting[256];
  ssize_t have = 0, at = 0;
  int idle = 0;
  for (;;) {
    avr_cycle_count_t end = avr->cycle + SLICE_CYCLES;
    while (avr->cycle < end) {
      if (avr_run(avr) == cpu_Crashed) return 6;
      if (ready && at < have) avr_raise_irq(uart + UART_IRQ_INPUT, waiting[at++]);
    }
    keep(avr, name);
    if (at < have) continue;
    struct pollfd port = {.fd = 0, .events = POLLIN};
    if (poll(&port, 1, idle > 100 ? 1 : 0) > 0) { /* a millisecond of the board in one of ours */
      have = read(0, waiting, sizeof waiting);
      at = idle = 0;
      if (have <= 0) return 0;
    } else {
      idle++;
    }
  }
}
