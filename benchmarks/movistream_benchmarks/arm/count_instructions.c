/* A QEMU 7.2 plugin that counts the instructions a program executes.
 *
 * The program marks moments with the system call getpriority(7777, NUMBER): for each one, the plugin
 * writes "NUMBER COUNT" to the file given as out=PATH. The counter is shared by all threads and
 * counts whole translation blocks, so it is exact for one busy thread.
 *
 * Debian does not package qemu-plugin.h; what is needed of it is declared here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define GETPRIORITY_AARCH64 141
#define MARKER 7777

struct qemu_plugin_tb;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef uint64_t plugin_id;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation,
                                              void *target, uint64_t value);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*call)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_syscall_cb(plugin_id id,
                                          void (*call)(plugin_id, unsigned vcpu, int64_t number,
                                                       uint64_t, uint64_t, uint64_t, uint64_t,
                                                       uint64_t, uint64_t, uint64_t, uint64_t));

EXPORT int qemu_plugin_version = 1;

static uint64_t executed;
static FILE *out;

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &executed,
                                             qemu_plugin_tb_n_insns(block));
}

static void called(plugin_id id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2,
                   uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    if (number == GETPRIORITY_AARCH64 && (uint32_t)a1 == MARKER) {
        fprintf(out, "%" PRIu32 " %" PRIu64 "\n", (uint32_t)a2, executed);
        fflush(out);
    }
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
    if (!out) {
        fprintf(stderr, "count_instructions: give a writable file as out=PATH\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
