#include "kernels/dbscan/cpu_load.h"
#include <omp.h>

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)

/* single precision: types that it holds exactly */
#define C float
#define TO(v) ((float)(v))
#define SUB(v, map, k) ((double)(v) - (map)->lo[k])
#define T int8_t
#define NAME(x) JOIN(i8, as_f32, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T uint8_t
#define NAME(x) JOIN(u8, as_f32, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T int16_t
#define NAME(x) JOIN(i16, as_f32, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T uint16_t
#define NAME(x) JOIN(u16, as_f32, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T float
#define NAME(x) JOIN(f32, as_f32, x)
#include "kernels/dbscan/cpu_load_loops.h"
#undef C
#undef TO

/* double precision */
#define C double
#define TO(v) ((double)(v))
#define T int8_t
#define NAME(x) JOIN(i8, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T uint8_t
#define NAME(x) JOIN(u8, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T int16_t
#define NAME(x) JOIN(i16, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T uint16_t
#define NAME(x) JOIN(u16, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T int32_t
#define NAME(x) JOIN(i32, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T uint32_t
#define NAME(x) JOIN(u32, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T float
#define NAME(x) JOIN(f32, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#define T double
#define NAME(x) JOIN(f64, as_f64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#undef C
#undef TO
#undef SUB

/* 64-bit integers; unsigned ones keep their order with the top bit flipped */
#define C int64_t
#define SUB(v, map, k) ((double)((uint64_t)(v) - (uint64_t)(map)->lo_int[k]))
#define TO(v) (v)
#define T int64_t
#define NAME(x) JOIN(i64, as_i64, x)
#include "kernels/dbscan/cpu_load_loops.h"
#undef TO
#define TO(v) ((int64_t)((v) ^ (UINT64_C(1) << 63)))
#define T uint64_t
#define NAME(x) JOIN(u64, as_i64, x)
#include "kernels/dbscan/cpu_load_loops.h"

const struct ps_dbscan_load *ps_dbscan_load_for(enum ps_dtype type, enum ps_coord coord)
{
    static const struct ps_dbscan_load *const loads[PS_NDTYPES][PS_NCOORDS] = {
        [PS_I8] = {[PS_COORD_F32] = &i8_as_f32_load, [PS_COORD_F64] = &i8_as_f64_load},
        [PS_U8] = {[PS_COORD_F32] = &u8_as_f32_load, [PS_COORD_F64] = &u8_as_f64_load},
        [PS_I16] = {[PS_COORD_F32] = &i16_as_f32_load, [PS_COORD_F64] = &i16_as_f64_load},
        [PS_U16] = {[PS_COORD_F32] = &u16_as_f32_load, [PS_COORD_F64] = &u16_as_f64_load},
        [PS_I32] = {[PS_COORD_F64] = &i32_as_f64_load},
        [PS_U32] = {[PS_COORD_F64] = &u32_as_f64_load},
        [PS_I64] = {[PS_COORD_I64] = &i64_as_i64_load},
        [PS_U64] = {[PS_COORD_I64] = &u64_as_i64_load},
        [PS_F32] = {[PS_COORD_F32] = &f32_as_f32_load, [PS_COORD_F64] = &f32_as_f64_load},
        [PS_F64] = {[PS_COORD_F64] = &f64_as_f64_load},
    };
    return loads[type][coord];
}
