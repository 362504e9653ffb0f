/** What decides between equals where variables are chosen: on the host and on a device alike. */
#ifndef PS_SVM_TIE_H
#define PS_SVM_TIE_H

#include "kernels/svm/smo.h"

/** A row's place among equals: a keyed permutation of all numbers. Source: Steele, Lea, Flood (2014),
 * SplitMix64. */
PS_SVM_BOTH static inline uint64_t ps_svm_tie(int64_t row)
{
    uint64_t x = (uint64_t)row + 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

#endif
