/* Preloaded, it lets a program find a device file of NVIDIA's driver where there is none. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int access(const char *path, int mode)
{
    return strcmp(path, "/dev/nvidiactl") == 0 ? 0 : faccessat(AT_FDCWD, path, mode, 0);
}
