/** Numbers as printf writes them, faster. */
#ifndef SVM_MODELTEXT_H
#define SVM_MODELTEXT_H

#include <stdint.h>

enum { SVM_NUMBER_TEXT = 32 }; /**< room for any number */

/** As sprintf(out, "%.*g", digits, value), to the letter. Local.
 * @param digits from 1 to 17
 * @return characters */
int svm_format(double value, int digits, char out[SVM_NUMBER_TEXT]);

/** As sprintf(out, "%lld", value). Local. @return characters */
int svm_format_whole(int64_t value, char out[SVM_NUMBER_TEXT]);

#endif
