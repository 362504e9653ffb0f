#include <math.h>
#include <string.h>
#include "kernels/nn/dropout.h"
#include "kernels/nn/host.h"

#define REAL float
#define NAME(name) name##32
#define TABLE ps_nn_ref
#include "kernels/nn/ref_layers.h"
#include "kernels/nn/ref_images.h"
#include "kernels/nn/ref_others.h"
#include "kernels/nn/ref_table.h"
