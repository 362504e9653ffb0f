#include "common/linalg/eigen.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include "common/run/err.h"

#ifdef PS_HAVE_SCALAPACK
enum { BLOCK = 64, LARGEST = 32768 /* whose square an int counts */ };

/* ScaLAPACK and BLACS come without headers. */
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_gridinfo(int context, int *rows, int *cols, int *row, int *col);
void Cblacs_gridexit(int context);
void pdsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *ia, const int *ja,
              const int *desc_a, double *w, double *z, const int *iz, const int *jz, const int *desc_z,
              double *work, const int *lwork, int *iwork, const int *liwork, int *info);
/* The one BLAS whose threads OpenMP does not set, in one of its builds. */
void openblas_set_num_threads(int threads) __attribute__((weak));

bool ps_eigen_available(void)
{
    return true;
}

/* Of n rows or columns, those of process `at` of `of`. */
static int64_t own(int64_t n, int at, int of)
{
    const int64_t blocks = n / BLOCK, more = blocks % of;
    return blocks / of * BLOCK + (at < more ? BLOCK : at == more ? n % BLOCK : 0);
}

/* Number in the whole of own row or column i. */
static int64_t whole(int64_t i, int at, int of)
{
    return (i / BLOCK * of + at) * BLOCK + i % BLOCK;
}

/* The nearly square grid of at most `ranks`, none of which is without a block. */
static void choose_grid(struct ps_eigen *e, int ranks)
{
    const int blocks = (e->n + BLOCK - 1) / BLOCK;
    e->rows = (int)sqrt((double)ranks);
    if (e->rows > blocks) e->rows = blocks;
    e->cols = ranks / e->rows;
    if (e->cols > blocks) e->cols = blocks;
}

enum ps_status ps_eigen_open(MPI_Comm comm, int64_t n, int ranks, struct ps_eigen *out)
{
    int rank, size;
    *out = (struct ps_eigen){.comm = comm, .grid = MPI_COMM_NULL, .n = (int)n};
    PS_CHECK(n <= LARGEST, PS_EUSAGE, "principal components of %lld features: ScaLAPACK takes up to %d",
             (long long)n, LARGEST);
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    choose_grid(out, ranks < size ? ranks : size);
    const bool in = rank < out->rows * out->cols;
    enum ps_status rc = PS_OK;
    if (MPI_Comm_split(comm, in ? 0 : MPI_UNDEFINED, rank, &out->grid) != MPI_SUCCESS)
        rc = ps_fail(PS_EMPI, "no communicator for a grid of %d x %d ranks", out->rows, out->cols);
    PS_TRY(ps_agree(comm, rc));
    out->open = true;
    if (in) {
        out->handle = out->context = Csys2blacs_handle(out->grid);
        Cblacs_gridinit(&out->context, "Row", out->rows, out->cols);
        Cblacs_gridinfo(out->context, &out->rows, &out->cols, &out->row, &out->col);
        out->own_rows = own(n, out->row, out->rows);
        out->own_cols = own(n, out->col, out->cols);
        rc = ps_alloc(&out->a, out->own_rows * out->own_cols, sizeof *out->a, "a matrix of covariances");
    }
    rc = ps_agree(comm, rc);
    if (rc != PS_OK) ps_eigen_close(out);
    return rc;
}

void ps_eigen_close(struct ps_eigen *e)
{
    if (!e->open) return;
    free(e->a);
    if (e->grid != MPI_COMM_NULL) {
        Cblacs_gridexit(e->context);
        Cfree_blacs_system_handle(e->handle);
        MPI_Comm_free(&e->grid);
    }
    *e = (struct ps_eigen){.open = false};
}

void ps_eigen_put(struct ps_eigen *e, int64_t lo, int64_t hi, const double *rows, int64_t stride)
{
    for (int64_t i = 0; i < e->own_rows; i++) {
        const int64_t at = whole(i, e->row, e->rows);
        if (at < lo || at >= hi) continue;
        for (int64_t j = 0; j < e->own_cols; j++) {
            const int64_t column = whole(j, e->col, e->cols);
            if (column >= at) e->a[j * e->own_rows + i] = rows[(at - lo) * stride + column];
        }
    }
}

/* All eigenvalues, ascending, and own parts of the vectors. One thread: how BLAS cuts sums must not depend on
 * how many there are. Collective over the grid; statuses are equal. */
static enum ps_status solve(struct ps_eigen *e, double *w, double *z)
{
    const int one = 1, lld = e->own_rows > 0 ? (int)e->own_rows : 1, threads = omp_get_max_threads();
    const int desc[9] = {1, e->context, e->n, e->n, BLOCK, BLOCK, 0, 0, lld};
    double wanted, *work = NULL;
    int iwanted, query = -1, info, *iwork = NULL;
    pdsyevd_("V", "U", &e->n, e->a, &one, &one, desc, w, z, &one, &one, desc, &wanted, &query, &iwanted,
             &query, &info);
    /* for small matrices it asks for less than what it calls (pdlasrt, pdormtr) wants */
    const int64_t np = own(e->n, 0, e->rows), nq = own(e->n, 0, e->cols);
    const int64_t more = np * (BLOCK + nq) + BLOCK * (np + nq + 2 * BLOCK);
    const int lwork = (int)wanted + (int)more, liwork = iwanted;
    enum ps_status rc = ps_alloc(&work, lwork, sizeof *work, "eigenvectors");
    if (rc == PS_OK) rc = ps_alloc(&iwork, liwork, sizeof *iwork, "eigenvectors");
    PS_TRY_DONE(ps_agree(e->grid, rc));
    omp_set_num_threads(1);
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    pdsyevd_("V", "U", &e->n, e->a, &one, &one, desc, w, z, &one, &one, desc, work, &lwork, iwork, &liwork,
             &info);
    if (openblas_set_num_threads) openblas_set_num_threads(threads);
    omp_set_num_threads(threads);
    PS_CHECK_DONE(info == 0, PS_EINPUT, "ScaLAPACK found no eigenvectors of %d x %d covariances (info %d)",
                  e->n, e->n, info);
done:
    free(work), free(iwork);
    return rc;
}

/* The last k vectors, last first, on every rank of the grid: each element is zero on all ranks but one.
 * Collective over the grid. */
static enum ps_status collect(const struct ps_eigen *e, const double *z, int64_t k, double *vector)
{
    for (int64_t i = 0; i < e->n * k; i++) vector[i] = 0;
    for (int64_t j = 0; j < e->own_cols; j++) {
        const int64_t at = e->n - 1 - whole(j, e->col, e->cols);
        for (int64_t i = 0; at < k && i < e->own_rows; i++)
            vector[whole(i, e->row, e->rows) * k + at] = z[j * e->own_rows + i];
    }
    const int rc = MPI_Allreduce(MPI_IN_PLACE, vector, (int)(e->n * k), MPI_DOUBLE, MPI_SUM, e->grid);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "eigenvectors were not collected");
    return PS_OK;
}

static void fix_signs(int64_t n, int64_t k, double *vector)
{
    for (int64_t c = 0; c < k; c++) {
        int64_t largest = 0;
        for (int64_t i = 1; i < n; i++)
            if (fabs(vector[i * k + c]) > fabs(vector[largest * k + c])) largest = i;
        const double sign = vector[largest * k + c] < 0 ? -1 : 1;
        for (int64_t i = 0; i < n; i++) vector[i * k + c] *= sign;
    }
}

/* What the ranks of the grid do. */
static enum ps_status largest(struct ps_eigen *e, int64_t k, double *value, double *vector)
{
    double *w = NULL, *z = NULL;
    enum ps_status rc = ps_alloc(&w, e->n, sizeof *w, "eigenvalues");
    if (rc == PS_OK) rc = ps_alloc(&z, e->own_rows * e->own_cols, sizeof *z, "eigenvectors");
    PS_TRY_DONE(ps_agree(e->grid, rc));
    PS_TRY_DONE(solve(e, w, z));
    for (int64_t i = 0; i < k; i++) value[i] = w[e->n - 1 - i];
    PS_TRY_DONE(collect(e, z, k, vector));
    fix_signs(e->n, k, vector);
done:
    free(w), free(z);
    return rc;
}

enum ps_status ps_eigen_largest(struct ps_eigen *e, int64_t k, double *value, double *vector)
{
    PS_TRY(ps_agree(e->comm, e->grid != MPI_COMM_NULL ? largest(e, k, value, vector) : PS_OK));
    const bool fine = MPI_Bcast(value, (int)k, MPI_DOUBLE, 0, e->comm) == MPI_SUCCESS &&
                      MPI_Bcast(vector, (int)(e->n * k), MPI_DOUBLE, 0, e->comm) == MPI_SUCCESS;
    PS_CHECK(fine, PS_EMPI, "eigenvectors were not sent");
    return PS_OK;
}
#else
bool ps_eigen_available(void)
{
    return false;
}

enum ps_status ps_eigen_open(MPI_Comm comm, int64_t n, int ranks, struct ps_eigen *out)
{
    (void)comm, (void)n, (void)ranks;
    *out = (struct ps_eigen){.open = false};
    return ps_fail(PS_EBACKEND, "eigenvectors need ScaLAPACK, which this build does not have");
}

void ps_eigen_close(struct ps_eigen *e)
{
    (void)e;
}

void ps_eigen_put(struct ps_eigen *e, int64_t lo, int64_t hi, const double *rows, int64_t stride)
{
    (void)e, (void)lo, (void)hi, (void)rows, (void)stride;
}

enum ps_status ps_eigen_largest(struct ps_eigen *e, int64_t k, double *value, double *vector)
{
    (void)e, (void)k, (void)value, (void)vector;
    return PS_EBACKEND;
}
#endif
