#include "kernels/dbscan/cpu_lanes_f64.h"
#include "kernels/dbscan/cpu_cells.h"
#include <math.h>

#define CLASS f64
#define PS_LANES PS_F64_LANES
#define LOWEST (-INFINITY)
#define HIGHEST INFINITY
#define EPS2_REACH(s) ((s)->eps2)
#include "kernels/dbscan/cpu_class.h"
#include "kernels/dbscan/cpu_split_real.h"
#include "kernels/dbscan/cpu_steps.h"
#include "kernels/dbscan/cpu_partition.h"
#include "kernels/dbscan/cpu_tree.h"
