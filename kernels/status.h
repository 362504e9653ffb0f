/** Status codes of every function that can fail. The text that belongs to a code is kept by common/run/err.
 */
#ifndef PS_STATUS_H
#define PS_STATUS_H

enum ps_status {
    PS_OK = 0,
    PS_EUSAGE,    /**< the command line or a parameter file is wrong: exit status 2 */
    PS_EINPUT,    /**< a data file's content is wrong */
    PS_EIO,       /**< the operating system refused a file operation */
    PS_ENOMEM,    /**< memory could not be had */
    PS_EMPI,      /**< an MPI call failed */
    PS_EBACKEND,  /**< a back end or an optional library is not there */
    PS_EINTERNAL, /**< a broken promise of our own */
    PS_STOPPED    /**< stopped on request after a checkpoint: exit status 85 */
};

#endif
