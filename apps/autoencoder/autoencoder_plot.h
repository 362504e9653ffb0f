/** Pictures of samples beside what comes back of them. */
#ifndef AUTOENCODER_PLOT_H
#define AUTOENCODER_PLOT_H

#include "apps/autoencoder/autoencoder_output.h"

struct autoencoder_picture {
    const char *path;
    int64_t height, width, channels;  /**< of images; height 0: samples are spectra */
    const struct ps_list *bands;      /**< red, green, blue of a scene; none: chosen */
    const struct spectra_part *shown; /**< from which images and spectra are taken: the test part */
};

/** Draw. Of a scene the composite of three bands, before and after, each stretched between the same values (2
 * % of the pixels are darker, 2 % brighter); of images a sheet, originals above what comes back; else a chart
 * of a few spectra. Collective over run->comm; rank 0 draws.
 * @return (agreed) PS_OK; PS_EUSAGE (no such band); PS_ENOMEM; PS_EIO; PS_EMPI; PS_EBACKEND (no libpng) */
enum ps_status autoencoder_plot(struct ps_run *run, const struct autoencoder_picture *picture,
                                const struct autoencoder_output *o);

#endif
