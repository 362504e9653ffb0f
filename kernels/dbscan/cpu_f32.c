#include "kernels/dbscan/cpu_lanes_f32.h"
#include "kernels/dbscan/cpu_cells.h"
#include <math.h>

#define CLASS f32
#define PS_LANES PS_F32_LANES
#define LOWEST (-INFINITY)
#define HIGHEST INFINITY
/* boxes are compared in single precision: allow what its rounding may add */
#define EPS2_REACH(s) ((double)(s)->eps2_maybe)
#include "kernels/dbscan/cpu_class.h"
#include "kernels/dbscan/cpu_split_real.h"
#include "kernels/dbscan/cpu_steps.h"
#include "kernels/dbscan/cpu_partition_f32.h"
#include "kernels/dbscan/cpu_tree.h"
