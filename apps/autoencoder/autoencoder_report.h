/** How well samples come back from their codes: the net's, and those of principal components. */
#ifndef AUTOENCODER_REPORT_H
#define AUTOENCODER_REPORT_H

#include "apps/autoencoder/autoencoder_model.h"
#include "apps/autoencoder/spectra_parts.h"
#include "common/nn/evaluate.h"

enum {
    AUTOENCODER_MSE,   /**< mean squared error of scaled values */
    AUTOENCODER_RMSE,  /**< its root, of values as in the file */
    AUTOENCODER_ANGLE, /**< mean angle between a spectrum and what comes back, in degrees (Kruse et al. 1993,
                          "The spectral image processing system") */
    AUTOENCODER_PSNR,  /**< peak signal to noise ratio, in dB: the peak is the range of the values */
    AUTOENCODER_FIGURES
};

extern const char *const autoencoder_figure_name[AUTOENCODER_FIGURES];

/** What ps_train and ps_evaluate add up. @param p any part, for its scaling; borrowed */
struct ps_score autoencoder_score(const struct spectra_part *p);
void autoencoder_figures(const double *sum, int64_t n, double *figure);

/** Figures of the principal components of `train`, `code` of them, on `test`. Collective over run->comm.
 * @param explained out: share of the variance of `train` that they hold
 * @return (agreed) PS_OK; PS_EBACKEND (ScaLAPACK is not there); PS_ENOMEM; PS_EMPI */
enum ps_status autoencoder_pca(struct ps_run *run, const struct spectra_part *train,
                               const struct spectra_part *test, int64_t code, double *figure,
                               double *explained);

/** Tell people and the record. Local; rank 0 speaks. @param pca NULL: left out */
void autoencoder_tell(struct ps_run *run, const struct autoencoder *a, const struct spectra_part *test,
                      const double *net, const double *pca, double explained);

#endif
