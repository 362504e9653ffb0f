/** What a trained net makes of all samples, in the order of the file. */
#ifndef AUTOENCODER_OUTPUT_H
#define AUTOENCODER_OUTPUT_H

#include "apps/autoencoder/autoencoder_model.h"
#include "apps/autoencoder/spectra_parts.h"
#include "common/nn/train.h"

/** All zero: nothing was made. */
struct autoencoder_output {
    struct ps_range mine; /**< own samples: a block of those of the file */
    float *code;          /**< [own][code]; owned */
    float *back;          /**< [own][bands] what comes back, as in the file; owned */
};

/** Run all samples through the net. Collective over run->comm.
 * @param p any part, for its scaling @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status autoencoder_apply(struct ps_run *run, const struct autoencoder *a,
                                 const struct ps_trained *trained, const struct spectra_part *p,
                                 struct autoencoder_output *out);
void autoencoder_output_free(struct autoencoder_output *o);

/** Labels of this rank's block of the samples. Collective over run->comm.
 * @param path file with as many labels as there are samples; "": those of a LIBSVM input, or none
 * @param out [own] or NULL where there are none; the caller frees it
 * @return (agreed) PS_OK; PS_EIO; PS_EINPUT (another number of labels); PS_ENOMEM; PS_EMPI */
enum ps_status autoencoder_labels(struct ps_run *run, const char *path, const struct spectra *s,
                                  double **out);

/** Write codes: LIBSVM text (by the name's end) with labels, or what ps_shard_write writes; an HDF5 file gets
 * labels as data set GT. Collective over run->comm.
 * @param label [own], or NULL: 0 in LIBSVM text
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM; PS_EBACKEND */
enum ps_status autoencoder_write_codes(struct ps_run *run, const char *path, double *label,
                                       const struct spectra *s, const struct autoencoder *a,
                                       const struct autoencoder_output *o);

/** Write what comes back. Collective over run->comm. @return (agreed) as ps_shard_write */
enum ps_status autoencoder_write_back(struct ps_run *run, const char *path, const struct spectra *s,
                                      const struct autoencoder_output *o);

#endif
