/* Images that a thread makes into samples in a second of processor time: image-rate DATA [SIDE [SECONDS]].
 * For training (augment = none, flip, shift, crop) and for the test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "apps/resnet50/image_data.h"

/* Of this process, so that others on the machine do not count. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double rate_of(const struct ps_source *s, bool training, double seconds, float *x)
{
    float target[4096];
    int64_t n = 0;
    const double start = now();
    for (int64_t epoch = 0; now() - start < seconds; epoch++) {
        const struct ps_draw draw = {.seed = 1, .epoch = epoch, .training = training};
        for (int64_t i = 0; i < s->n && now() - start < seconds; i++, n++)
            if (s->load(s, i, &draw, x, target) != PS_OK) return -1;
    }
    return (double)n / (now() - start);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"none", "flip", "shift", "crop"};
    static struct ps_common common = {.seed = 1};
    if (argc < 2) return 2;
    MPI_Init(&argc, &argv);
    struct ps_run run = {
        .comm = MPI_COMM_SELF, .size = 1, .name = "image-rate", .threads = 1, .common = &common};
    const int side = argc > 2 ? atoi(argv[2]) : 0;
    const double seconds = argc > 3 ? atof(argv[3]) : 2;
    for (int k = 0; k < 4; k++) {
        struct image_choice c = {.height = side,
                                 .width = side,
                                 .least = 0.08,
                                 .squeeze = 4.0 / 3,
                                 .pad = 4,
                                 .memory = 4,
                                 .prefetch = 1,
                                 .broken = "fatal"};
        struct image_data d;
        snprintf(c.data, sizeof c.data, "%s", argv[1]);
        snprintf(c.augment, sizeof c.augment, "%s", kinds[k]);
        const double start = MPI_Wtime();
        if (image_data_open(&run, &c, 1, &d) != PS_OK) {
            fprintf(stderr, "%s\n", ps_err_message());
            return 1;
        }
        const double opened = MPI_Wtime() - start;
        float *x = malloc((size_t)d.height * (size_t)d.width * (size_t)d.bands * sizeof *x);
        if (k == 0) {
            printf("%lld images, %d x %d x %d, opened in %.2f s\n", (long long)d.train.n, d.height, d.width,
                   d.bands, opened);
            printf("test   %8.0f images/s\n", rate_of(&d.train, false, seconds, x));
        }
        printf("%-6s %8.0f images/s\n", kinds[k], rate_of(&d.train, true, seconds, x));
        free(x);
        image_data_free(&d);
    }
    MPI_Finalize();
    return 0;
}
