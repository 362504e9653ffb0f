/** How well samples come back from their codes: the net's, and those of principal components. */
#ifndef AUTOENCODER_REPORT_H
#define AUTOENCODER_REPORT_H

#include "apps/autoencoder/autoencoder_model.h"
#include "apps/autoencoder/spectra_parts.h"
#include "common/linalg/pca.h"
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

/** Principal components of a part's scaled samples, `code` of them. Collective over run->comm.
 * @return (agreed) PS_OK; PS_EBACKEND (ScaLAPACK is not there); PS_EUSAGE; PS_ENOMEM; PS_EMPI */
enum ps_status autoencoder_pca_fit(struct ps_run *run, const struct spectra_part *train, int64_t code,
                                   struct ps_pca *out);

/** Their figures on `test`. Collective over run->comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status autoencoder_pca_figures(struct ps_run *run, const struct ps_pca *pca,
                                       const struct spectra_part *test, double *figure);

/** Share of the variance of the samples that components hold. Local. */
double autoencoder_explained(const struct ps_pca *pca);

/** Tell people and the record. Local; rank 0 speaks. @param pca NULL: left out */
void autoencoder_tell(struct ps_run *run, const struct autoencoder *a, const struct spectra_part *test,
                      const double *net, const double *pca, double explained);

#endif
