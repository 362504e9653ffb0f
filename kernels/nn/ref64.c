#include <math.h>
#include <string.h>
#include "kernels/nn/dropout.h"
#include "kernels/nn/host.h"

#define REAL double
#define NAME(name) name##64
#define TABLE ps_nn_ref64
#include "kernels/nn/ref_layers.h"
#include "kernels/nn/ref_images.h"
#include "kernels/nn/ref_others.h"
#include "kernels/nn/ref_table.h"
