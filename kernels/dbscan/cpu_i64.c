#include "kernels/dbscan/cpu_lanes_i64.h"
#include "kernels/dbscan/cpu_cells.h"

#define CLASS i64
#define PS_LANES PS_I64_LANES
#define LOWEST INT64_MIN
#define HIGHEST INT64_MAX
#define EPS2_REACH(s) ((s)->eps2)
#include "kernels/dbscan/cpu_class.h"
#include "kernels/dbscan/cpu_split_int.h"
#include "kernels/dbscan/cpu_steps.h"
#include "kernels/dbscan/cpu_partition.h"
#include "kernels/dbscan/cpu_tree.h"
