/* Any bytes as a tar file and as records of pax: members lie inside the file and have names that end, or it
 * is refused with a sentence; a head that we write is read as the same. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/io/tarfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The checksum of what would be heads is put right, or the fuzzer would not get behind it. */
static void mend(uint8_t *file, size_t size)
{
    for (size_t at = 0; at + PS_TAR_BLOCK <= size; at += PS_TAR_BLOCK) {
        unsigned sum = 0;
        if (!file[at]) continue;
        memset(file + at + 148, ' ', 8);
        for (int i = 0; i < PS_TAR_BLOCK; i++) sum += file[at + (size_t)i];
        for (int i = 0; i < 6; i++) file[at + 148 + (size_t)i] = (uint8_t)('0' + (sum >> (15 - 3 * i) & 7));
        file[at + 154] = 0;
    }
}

static void list(const uint8_t *data, size_t size)
{
    struct ps_infile f = {.fd = memfd_create("fuzz", 0), .bytes = (int64_t)size, .path = "fuzz"};
    struct ps_tar tar;
    struct ps_tar_member m;
    if (f.fd < 0 || write(f.fd, data, size) != (ssize_t)size || ps_tar_open(&f, &tar) != PS_OK) abort();
    int rc;
    while ((rc = ps_tar_next(&tar, &m)) == 1)
        if (m.at < 0 || m.bytes < 0 || m.bytes > f.bytes - m.at ||
            strnlen(m.name, sizeof m.name) == sizeof m.name)
            abort();
    if (rc < 0 && !tar.why[0]) abort();
    ps_tar_close(&tar);
    close(f.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[PS_TAR_NAME];
    static unsigned char block[PS_TAR_BLOCK];
    static struct ps_tar_head head;
    int64_t bytes;
    char *text = malloc(size + 1);
    uint8_t *file = malloc(size + 1);
    memcpy(text, data, size);
    memcpy(file, data, size);
    text[size] = '\0';
    if (ps_tar_pax(text, (int64_t)size, path, &bytes) && bytes < -1) abort();
    list(data, size);
    mend(file, size);
    list(file, size);
    if (strlen(text) > 0 && strlen(text) <= 100) {
        ps_tar_put_head(text, (int64_t)size, block);
        if (ps_tar_head(block, &head) != 1 || head.bytes != (int64_t)size || strcmp(head.name, text) != 0)
            abort();
    }
    free(text);
    free(file);
    return 0;
}
