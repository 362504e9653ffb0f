/** A table from files of arrays: netCDF, HDF5, NumPy and what else common/io/shard reads. */
#ifndef SERIES_ARRAYS_H
#define SERIES_ARRAYS_H

#include "apps/lstm/series_table.h"

/** Read a table. Columns are those of a matrix, with numbers, or one-dimensional data sets with names; times
 * may be a data set of their own beside a matrix. Attributes of data sets count as the CF conventions have
 * them: units and calendar of times, scale_factor, add_offset, _FillValue and missing_value. Local.
 * @return as series_table_read */
enum ps_status series_arrays_read(const struct series_wish *wish, struct series_table *out);

#endif
