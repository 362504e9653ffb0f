/** The convolutions of ResNet-50, for programs that measure kernels. */
#ifndef BENCH_RESNET50_SHAPES_H
#define BENCH_RESNET50_SHAPES_H

#include <stdbool.h>

/** Output and window; images come in as tall as those of the net / shrunk. */
static const struct resnet50_shape {
    int times, shrunk, channels, out, kernel, stride;
    bool normal; /**< what is read is normalised */
} resnet50_shapes[] = {
    {1, 1, 3, 64, 7, 2, false},      {1, 4, 64, 64, 1, 1, false},   {2, 4, 256, 64, 1, 1, false},
    {3, 4, 64, 64, 3, 1, true},      {3, 4, 64, 256, 1, 1, true},   {1, 4, 64, 256, 1, 1, false},
    {1, 4, 256, 128, 1, 1, false},   {1, 4, 128, 128, 3, 2, true},  {1, 4, 256, 512, 1, 2, false},
    {3, 8, 512, 128, 1, 1, false},   {3, 8, 128, 128, 3, 1, true},  {4, 8, 128, 512, 1, 1, true},
    {1, 8, 512, 256, 1, 1, false},   {1, 8, 256, 256, 3, 2, true},  {1, 8, 512, 1024, 1, 2, false},
    {5, 16, 1024, 256, 1, 1, false}, {5, 16, 256, 256, 3, 1, true}, {6, 16, 256, 1024, 1, 1, true},
    {1, 16, 1024, 512, 1, 1, false}, {1, 16, 512, 512, 3, 2, true}, {1, 16, 1024, 2048, 1, 2, false},
    {2, 32, 2048, 512, 1, 1, false}, {2, 32, 512, 512, 3, 1, true}, {3, 32, 512, 2048, 1, 1, true},
};
enum { RESNET50_SHAPES = sizeof resnet50_shapes / sizeof *resnet50_shapes };

#endif
