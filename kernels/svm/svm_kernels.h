/** Node-local numerics of support vector machines: packed rows, blocks of kernel values, sequential minimal
 * optimization. Back ends are constant tables; no MPI, no files. Unless said otherwise a function uses the
 * OpenMP threads of its caller, one alone inside a parallel region, and its result does not depend on them,
 * nor on how rows are cut into blocks. */
#ifndef PS_SVM_KERNELS_H
#define PS_SVM_KERNELS_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/device_memory.h"
#include "kernels/status.h"

enum ps_svm_form { PS_SVM_LINEAR, PS_SVM_POLY, PS_SVM_RBF, PS_SVM_SIGMOID };

/** A kernel function: u'v, (gamma u'v + coef0)^degree, exp(-gamma |u-v|^2), tanh(gamma u'v + coef0). */
struct ps_svm_function {
    enum ps_svm_form form;
    int degree;
    double gamma, coef0;
};

/** Sparse rows, borrowed. */
struct ps_csr {
    int64_t n, cols;
    const int64_t *start; /**< [n + 1] where a row's entries start; start[0] need not be 0 */
    const int32_t *index; /**< columns, from 0, ascending within a row */
    const double *value;
};

/** How rows are packed. Rows that meet in a block must be packed alike. */
struct ps_svm_layout {
    int64_t cols;     /**< features; entries of columns beyond are ignored */
    bool dense;       /**< panels of all columns; else compressed rows */
    bool differences; /**< dense only: |u-v|^2 by differences, twice the work of u'v, where cancellation in
                           |u|^2 + |v|^2 - 2 u'v would cost accuracy */
    const double *centre; /**< [cols] subtracted from rows where dense, or NULL: RBF only, which does not
                             change by it and loses fewer digits; borrowed while rows are packed */
};

/** Rows in single precision as blocks take them: dense panels [n/32][cols][32], the last one filled with
 * zeros, or compressed rows; and |u|^2 of each. */
struct ps_svm_pack;

/** A quadratic program in dual form, to be solved by sequential minimal optimization:
 *   minimise 1/2 sum_uv alpha_u alpha_v y_u y_v K(row u, row v) + sum_v p_v alpha_v
 *   subject to 0 <= alpha_v <= c_v and sum_v y_v alpha_v = const (nu: for each y alone).
 * Variable v belongs to row v % n. Source: Fan, Chen, Lin (2005), working set selection WSS 2. */
struct ps_svm_smo {
    int64_t n;      /**< rows */
    int copies;     /**< variables per row: 1, or 2 in regression */
    bool nu;        /**< both variables of a step have the same y */
    const float *k; /**< [n][stride] kernel values, symmetric; borrowed; fastest where rows begin at multiples
                         of 64 bytes */
    int64_t stride;
    const float *const *row; /**< [n] where rows are, or NULL: row i at k + i * stride; borrowed */
    void (*want)(void *source, int64_t row); /**< called before a row is read, or NULL: all rows are there. It
                                                  may move other rows. Then `diagonal` must be given */
    void *source;
    const float *diagonal; /**< [n] K(row, row), or NULL: read from k */
    const int8_t *y;       /**< [copies * n] +1 or -1 */
    const double *p;       /**< [copies * n] */
    const double *c;       /**< [copies * n]; 0: the variable stays as it is (a row left out of a fold) */
    double *alpha;         /**< [copies * n] in: a feasible start; out */
    double *f;        /**< [n] in: sum_v K(row, row v) y_v alpha_v of the start, of rows left out too; out */
    double eps;       /**< stop when the largest violation is below: max over `up` minus min over `low` of
                           -f - y p (nu: the larger of the two classes') */
    int64_t max_iter; /**< stop after so many steps; 0: no bound */
    int64_t iterations; /**< out */
    double violation;   /**< out */
};

/** Coefficients of several sums over the same rows. */
struct ps_svm_terms {
    int64_t n;
    const int32_t *row; /**< [n] rows, ascending; borrowed */
    int64_t cols;
    const double *coef; /**< [n][cols] floats; borrowed */
};

enum { PS_SVM_SUMS = 32 };

/** What a variable may do, and how its score is made: bits. */
enum {
    PS_SVM_RISES = 1,    /**< y alpha may grow */
    PS_SVM_FALLS = 2,    /**< y alpha may shrink */
    PS_SVM_NEGATIVE = 4, /**< y is -1 */
    PS_SVM_SECOND = 8    /**< it is of the second of two sides, within which pairs are made */
};

/** Scores -f - y p on a device. Variable v belongs to row v % n. All arrays lie there. */
struct ps_svm_scores {
    int64_t n, first;   /**< rows; the number of the first one among those of all ranks */
    int copies, sides;  /**< variables per row; 1, or 2 */
    const double *f;    /**< [n] */
    const double *p;    /**< [copies * n] */
    const uint8_t *may; /**< [copies * n] */
};

/** A row with a variable that stands far out. */
struct ps_svm_candidate {
    double worth; /**< the score, or its negative */
    double f;
    int64_t row;
};

/** What `rank` writes begins with this: of each side those that may rise, by score, and those that may fall,
 * by its negative. Then come candidates [2 * sides][room], then f of rows. */
struct ps_svm_front {
    int32_t n[4];   /**< candidates of each list */
    int64_t all[4]; /**< variables that they are chosen from */
};

/** How many candidates `rank` finds, and what else. */
struct ps_svm_ranking {
    int64_t want; /**< at least so many, the best, of each list, or all; at least 1 */
    int64_t room; /**< at most so many; more than `want` */
    const int64_t *row;
    int64_t rows; /**< rows [rows], here, whose f is wanted besides */
};

/** What a table of kernels on a device has besides (kernels/device_memory.h). There rows are packed on the
 * device; k, b, out and f of the functions of the table, and what `col` points to, lie there, all else on the
 * host; calls return before they are done. Values have the bits of ps_svm_cpu, solutions those of ps_svm_ref.
 * A failure is kept: pack and smo return it, `wait` of the memory tells of others. */
struct ps_svm_device {
    const struct ps_device_memory *memory;

    /** Pack rows row[0..n) of packed rows, with the bits of `pack`. Dense panels only.
     * @return PS_OK; PS_ENOMEM */
    enum ps_status (*repack)(const struct ps_svm_pack *from, const int64_t *row, int64_t n,
                             struct ps_svm_pack **out);

    /** Candidates, in any order: none that is left out is better than one of the first `want`. Of two the one
     * of larger worth is better, of equals the one of the lower ps_svm_tie(first + row). Scores that are no
     * number have none. @param out there: struct ps_svm_front and what follows it */
    void (*rank)(const struct ps_svm_scores *s, const struct ps_svm_ranking *r, void *out);

    /** to[at[i]] = value[i], i < n; `to` is there, no place twice in `at`. */
    void (*set)(uint8_t *to, const int64_t *at, const uint8_t *value, int64_t n);

    /** `smo` of the table for several problems beside each other; returns when they are done. k is there,
     * problems may share it; row, want and diagonal are NULL; all else is here.
     * @return PS_OK; PS_ENOMEM; PS_EBACKEND */
    enum ps_status (*smo)(struct ps_svm_smo *s, int64_t problems);
};

struct ps_svm_kernels {
    const char *name;
    const struct ps_svm_device *device; /**< NULL: arrays are the host's */

    /** Pack rows `row[0..n)` of x (row NULL: all). Local.
     * @return PS_OK; PS_ENOMEM */
    enum ps_status (*pack)(const struct ps_csr *x, const int64_t *row, int64_t n,
                           const struct ps_svm_layout *layout, struct ps_svm_pack **out);
    void (*unpack)(struct ps_svm_pack *p); /**< free it; NULL is fine */

    /** out[i - alo][j - blo] = k(a_i, b_j) for alo <= i < ahi, blo <= j < bhi, in single precision; rows of
     * `out` are `stride` apart. Symmetric to the bit: k(a_i, b_j) = k(b_j, a_i), and exp(0) = 1 on the
     * diagonal of an RBF. */
    void (*block)(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                  const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride);

    /** Solve a quadratic program. The result is a function of the program alone: threads of the caller help
     * with nothing but sums that do not depend on them. Local.
     * @return PS_OK, also where max_iter was reached; PS_ENOMEM */
    enum ps_status (*smo)(struct ps_svm_smo *s);

    /** f[r] += sum_w coef[w] col[w][r] for 0 <= r < n, in double precision, in the order of w. */
    void (*update)(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f);

    /** out[i][t] += sum_j k[i][j] b[j][t] for i < n, j < m, t < cols: sums over j in single precision within
     * blocks of 256 columns j, and in double precision over blocks. Row strides kstride, bstride, ostride. */
    void (*multiply)(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                     int64_t bstride, double *out, int64_t ostride);

    /** out[t][i] += sum over the terms e of k[row[e]][i] coef[e][t], for i < n, t < terms->cols: each sum is
     * one chain in double precision in the order of the terms from what `out` holds, for coefficients so
     * large that sums in single precision would lose what is left when they cancel. One thread. Row strides
     * kstride, ostride; n is a multiple of PS_SVM_SUMS. */
    void (*sums)(const float *k, int64_t kstride, int64_t n, const struct ps_svm_terms *terms, double *out,
                 int64_t ostride);
};

/** `ref` is plain, always built, and the oracle; `cpu` is tuned (AVX-512 where compiled for it, OpenMP). */
extern const struct ps_svm_kernels ps_svm_ref, ps_svm_cpu;

/** k(u, v) of two sparse rows in double precision, as LIBSVM computes it. Local. */
double ps_svm_value(const struct ps_svm_function *f, const struct ps_csr *a, int64_t i,
                    const struct ps_csr *b, int64_t j);

#endif
