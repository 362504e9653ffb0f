/** How a net with a shortcut of principal components begins. */
#ifndef AUTOENCODER_START_H
#define AUTOENCODER_START_H

#include "apps/autoencoder/autoencoder_model.h"
#include "common/linalg/pca.h"

/** Set the shortcut to principal components and the last layers of encoder and decoder to zero: the net then
 * does what PCA does. The limit of a component is ten times the root of its variance plus that of all that
 * the components leave out. Local.
 * @param pca of a->code components @param w [weights] of a->net, float; changed */
void autoencoder_start(const struct autoencoder *a, const struct ps_pca *pca, float *w);

#endif
