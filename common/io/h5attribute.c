/* HDF5: attributes of a data set, which netCDF-4 files have too. */
#include "common/io/h5meta.h"

#ifdef PS_HAVE_HDF5
#    include <stdio.h>
#    include <stdlib.h>
#    include "common/run/err.h"

/** Text of fixed length, padded by zeros or blanks or not at all, or of any length. */
static enum ps_status read_text(hid_t attribute, hid_t stored, const char *path, struct ps_attribute *out)
{
    const bool any = H5Tis_variable_str(stored) > 0;
    const size_t size = any ? sizeof(char *) : H5Tget_size(stored);
    char *text = NULL, *bytes;
    PS_TRY(ps_zalloc(&text, (int64_t)size + 1, 1, "an attribute"));
    const bool read = H5Aread(attribute, stored, text) >= 0;
    bytes = any ? *(char **)text : text;
    if (read && bytes) snprintf(out->text, sizeof out->text, "%.255s", bytes);
    if (read && any) H5free_memory(bytes);
    free(text);
    if (!read) return ps_h5_fail(PS_EINPUT, path, "an attribute cannot be read");
    out->kind = PS_ATTRIBUTE_TEXT;
    return PS_OK;
}

static enum ps_status read_one(hid_t attribute, const char *path, struct ps_attribute *out)
{
    enum ps_status rc = PS_OK;
    hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    const bool one = H5Sget_simple_extent_npoints(space) == 1;
    const H5T_class_t class = H5Tget_class(type);
    if (one && class == H5T_STRING) {
        rc = read_text(attribute, type, path, out);
    } else if (one && (class == H5T_INTEGER || class == H5T_FLOAT)) {
        out->kind = PS_ATTRIBUTE_NUMBER;
        if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &out->number) < 0)
            rc = ps_h5_fail(PS_EINPUT, path, "an attribute cannot be read");
    }
    H5Tclose(type);
    H5Sclose(space);
    return rc;
}

enum ps_status ps_h5_attribute(const char *path, const char *dataset, const char *name,
                               struct ps_attribute *out)
{
    enum ps_status rc = PS_OK;
    struct ps_h5plan plan = {0};
    PS_TRY(ps_h5_look(path, dataset, &plan, NULL));
    hid_t fapl = ps_h5_access(), file = H5Fopen(path, H5F_ACC_RDONLY, fapl), attribute = -1;
    const htri_t there = file >= 0 ? H5Aexists_by_name(file, plan.dataset, name, H5P_DEFAULT) : -1;
    if (there > 0) attribute = H5Aopen_by_name(file, plan.dataset, name, H5P_DEFAULT, H5P_DEFAULT);
    if (there < 0 || (there > 0 && attribute < 0))
        rc = ps_h5_fail(PS_EINPUT, path, "an attribute cannot be opened");
    else if (there > 0)
        rc = read_one(attribute, path, out);
    if (attribute >= 0) H5Aclose(attribute);
    if (file >= 0) H5Fclose(file);
    H5Pclose(fapl);
    return rc;
}
#endif
