#include "kernels/svm/cu_dense.h"

typedef void tile_kernel(struct ps_svm_job_cu);

/* A tiling, with a kernel for each form. */
struct choice {
    int rows, cols, threads;
    double rate; /* that its products reach beside the largest tile's */
    tile_kernel *linear, *poly, *rbf, *rbf_differences, *sigmoid;
};

template <class T> static constexpr struct choice choice_of(double rate)
{
    return {T::rows,
            T::cols,
            T::threads,
            rate,
            ps_svm_tile_cu<T, PS_SVM_LINEAR, false>,
            ps_svm_tile_cu<T, PS_SVM_POLY, false>,
            ps_svm_tile_cu<T, PS_SVM_RBF, false>,
            ps_svm_tile_cu<T, PS_SVM_RBF, true>,
            ps_svm_tile_cu<T, PS_SVM_SIGMOID, false>};
}

/* Few rows are few new columns of a large problem's matrix, bound by the memory that b's rows take: tiles of
 * 128 columns, so that there are enough of them for all multiprocessors. Rates are estimates, by the shared
 * memory that a product reads. */
static const struct choice choices[] = {
    choice_of<ps_svm_tiling<128, 128, 8, 8>>(1), choice_of<ps_svm_tiling<64, 128, 8, 8>>(0.9),
    choice_of<ps_svm_tiling<32, 128, 8, 4>>(0.7), choice_of<ps_svm_tiling<8, 128, 4, 4>>(0.35)};

static int64_t tiles(const struct ps_svm_job_cu *job, const struct choice *c)
{
    const int64_t rows = job->ahi - job->alo / 4 * 4, cols = job->bhi - job->blo / 4 * 4;
    return (rows + c->rows - 1) / c->rows * ((cols + c->cols - 1) / c->cols);
}

/* That whose tiles take the least time where multiprocessors have one after the other. */
static const struct choice *choose(const struct ps_svm_job_cu *job)
{
    const struct choice *best = NULL;
    double least = 0;
    for (const struct choice &c : choices) {
        const int64_t turns = (tiles(job, &c) + ps_cuda_processors() - 1) / ps_cuda_processors();
        const double time = (double)turns * c.rows * c.cols / c.rate;
        if (best && time >= least) continue;
        best = &c;
        least = time;
    }
    return best;
}

static tile_kernel *kernel_of(const struct choice *c, const struct ps_svm_finish *f)
{
    switch (f->form) {
    case PS_SVM_POLY:
        return c->poly;
    case PS_SVM_RBF:
        return f->distance ? c->rbf_differences : c->rbf;
    case PS_SVM_SIGMOID:
        return c->sigmoid;
    default:
        return c->linear;
    }
}

void ps_svm_dense_cu(const struct ps_svm_job_cu *job)
{
    const struct choice *c = choose(job);
    struct ps_svm_job_cu t = *job;
    t.mirror = job->mirror && tiles(job, c) > 1;
    PS_LAUNCH(kernel_of(c, &job->finish), (unsigned)tiles(job, c), c->threads, 0, t);
}
