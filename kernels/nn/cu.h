/** Kernels of the CUDA back end, as in struct ps_nn_kernels and struct ps_nn_device: arrays lie on the
 * device, work goes to the queue in use. Layers with products have three forms: fp32, TF32 and bf16 products.
 */
#ifndef PS_NN_CU_H
#define PS_NN_CU_H

#include "kernels/cuda.h"
#include "kernels/nn/nn_device.h"

enum ps_nn_products { PS_NN_FP32, PS_NN_TF32, PS_NN_BF16 };

/* cu_dense.cu, cu_conv.cu, cu_lstm.cu: functions that have one more parameter, `products`, from which
 * PS_NN_CU_FORMS makes those of the tables */
struct ps_nn_size ps_nn_dense_size_cu(const struct ps_nn_dense *l, int64_t n, enum ps_nn_products products);
void ps_nn_dense_prepare_cu(const struct ps_nn_dense *l, const void *w, void *prepared,
                            enum ps_nn_products products);
void ps_nn_dense_forward_cu(const struct ps_nn_dense *l, const struct ps_nn_pass *p,
                            enum ps_nn_products products);
void ps_nn_dense_backward_cu(const struct ps_nn_dense *l, const struct ps_nn_pass *p,
                             enum ps_nn_products products);
struct ps_nn_size ps_nn_conv_size_cu(const struct ps_nn_conv *l, int64_t n, enum ps_nn_products products);
void ps_nn_conv_prepare_cu(const struct ps_nn_conv *l, const void *w, void *prepared,
                           enum ps_nn_products products);
void ps_nn_conv_forward_cu(const struct ps_nn_conv *l, const struct ps_nn_pass *p,
                           enum ps_nn_products products);
void ps_nn_conv_backward_cu(const struct ps_nn_conv *l, const struct ps_nn_pass *p,
                            enum ps_nn_products products);
struct ps_nn_size ps_nn_lstm_size_cu(const struct ps_nn_lstm *l, int64_t n, enum ps_nn_products products);
void ps_nn_lstm_prepare_cu(const struct ps_nn_lstm *l, const void *w, void *prepared,
                           enum ps_nn_products products);
void ps_nn_lstm_forward_cu(const struct ps_nn_lstm *l, const struct ps_nn_pass *p,
                           enum ps_nn_products products);
void ps_nn_lstm_backward_cu(const struct ps_nn_lstm *l, const struct ps_nn_pass *p,
                            enum ps_nn_products products);
bool ps_nn_conv_keeps_cu(const struct ps_nn_conv *l);
bool ps_nn_conv_joins_cu(const struct ps_nn_conv *l);
/** Give back descriptors, plans and handles of cuBLAS and cuDNN. */
void ps_nn_dense_close_cu(void);
void ps_nn_conv_close_cu(void);
void ps_nn_lstm_close_cu(void);

/* parts of convolutions, cu_norm.cu. Images are bf16 or float, [rows][channels] */
/** z = act(a x + b). */
void ps_nn_read_cu(const struct ps_nn_read *r, int64_t rows, int64_t channels, bool half, const void *x,
                   void *z);
/** z = s dy + p y + q; z may be dy. */
void ps_nn_gradient_read_cu(const struct ps_nn_gradient_read *r, int64_t rows, int64_t channels, bool half,
                            const void *dy, const void *y, void *z);
/** Mean of each channel, then the sum of squared differences from it, [2][channels].
 * @param work double [ps_nn_moments_work_cu] */
void ps_nn_moments_cu(int64_t rows, int64_t channels, bool half, const void *y, double *moments,
                      double *work);
/** The same from sums of each channel and of its squares, [channels] each. */
void ps_nn_moments_of_sums_cu(int64_t rows, int64_t channels, const float *sums, const float *squares,
                              double *moments);
/** dx of act(a x + b): act' is multiplied in; sums of dx and of dx (x - mean), [2][channels]. */
void ps_nn_read_back_cu(const struct ps_nn_read *r, int64_t rows, int64_t channels, bool half, const void *x,
                        void *dx, double *sums, double *work);
/** Doubles of work of those above that have some. */
int64_t ps_nn_moments_work_cu(int64_t rows, int64_t channels);
/** y = act(y + b) and dy = dy act'(y), db = sum of dy over rows; b, db NULL: none. [rows][out] */
void ps_nn_bias_act_cu(int64_t rows, int64_t out, enum ps_nn_act act, bool half, const float *b, void *y);
void ps_nn_bias_act_back_cu(int64_t rows, int64_t out, enum ps_nn_act act, bool half, const void *y, void *dy,
                            float *db, bool db_add, double *work);
/** Conversion, n elements; `add`: to the floats that are there. */
void ps_nn_to_half_cu(int64_t n, const float *from, ps_half *to);
void ps_nn_from_half_cu(int64_t n, const ps_half *from, float *to, bool add);

/** Elements of work, as in the table: sums of three functions of each column, and factors of batch norms. */
int64_t ps_nn_columns_work_cu(int64_t rows, int64_t channels);
void ps_nn_pool_forward_cu(const struct ps_nn_pool *l, const struct ps_nn_pass *p);
void ps_nn_pool_backward_cu(const struct ps_nn_pool *l, const struct ps_nn_pass *p);
void ps_nn_sum_forward_cu(const struct ps_nn_sum *l, const struct ps_nn_pass *p);
void ps_nn_sum_backward_cu(const struct ps_nn_sum *l, const struct ps_nn_pass *p);
void ps_nn_upsample_forward_cu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p);
void ps_nn_upsample_backward_cu(const struct ps_nn_upsample *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_forward_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_backward_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_layer_norm_forward_cu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p);
void ps_nn_layer_norm_backward_cu(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p);
void ps_nn_last_step_forward_cu(const struct ps_nn_last_step *l, const struct ps_nn_pass *p);
void ps_nn_last_step_backward_cu(const struct ps_nn_last_step *l, const struct ps_nn_pass *p);
void ps_nn_gate_forward_cu(const struct ps_nn_gate *l, const struct ps_nn_pass *p);
void ps_nn_gate_backward_cu(const struct ps_nn_gate *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_moments_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_sums_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_gradient_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
void ps_nn_batch_norm_evaluate_cu(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p,
                                  const void *mean, const void *variance);
void ps_nn_norm_factors_cu(const struct ps_nn_norm *m, const void *mean, const void *variance);
void ps_nn_norm_variance_cu(const struct ps_nn_norm *m, void *variance);
void ps_nn_norm_gradients_cu(const struct ps_nn_norm *m);
void ps_nn_norm_weights_cu(const struct ps_nn_norm *m, void *dw, bool add);
void ps_nn_norm_buffers_cu(const struct ps_nn_norm *m, void *dbuffers, bool add);
void ps_nn_copy_cu(int64_t bytes, const void *from, void *to);
void ps_nn_clear_cu(int64_t bytes, void *to);
/** `step` is not looked at: the device has that of set_step. */
void ps_nn_dropout_cu(const struct ps_nn_dropout *l, int64_t n, const int64_t *sample, int64_t step, void *x);
void ps_nn_add_cu(int64_t n, const void *from, void *to);

/* cu_augment.cu */
void ps_nn_pictures_cu(const struct ps_nn_pictures *s, float *x);
void ps_nn_mix_cu(int64_t n, int64_t input, const float *share, float *x);

/* cu_loss.cu, cu_optimizer.cu */
void ps_nn_loss_cu(const struct ps_nn_loss *l, int64_t n, const void *x, const void *target, double scale,
                   void *dx, double *sum, bool add);
void ps_nn_check_cu(const double *sum, float *bad);
void ps_nn_follow_cu(int64_t n, double momentum, int64_t grains, const void *dw, void *w);
enum ps_status ps_nn_optimizer_open_cu(const struct ps_nn_optimizer_plan *p, struct ps_nn_optimizer **out);
void ps_nn_optimizer_close_cu(struct ps_nn_optimizer *o);
void ps_nn_optimizer_step_cu(struct ps_nn_optimizer *o, float *g, float *w);
int ps_nn_optimizer_state_cu(struct ps_nn_optimizer *o, float **state);

/* cu_exchange.cu */
enum ps_status ps_nn_name_cu(char id[PS_NN_ID]);
enum ps_status ps_nn_join_cu(int ranks, int rank, const char id[PS_NN_ID]);
void ps_nn_leave_cu(void);
void ps_nn_sum_cu(float *x, int64_t n, bool exact, float *work);
/** x[member][n] of each of `members` neighbouring ranks to all of them. */
void ps_nn_gather_cu(int members, int member, int64_t n, double *x);

/* cu_group.cu */
void ps_nn_group_cu(const struct ps_nn_group *g, bool moments, int64_t channels, double rows, double *x);

/* cu_device.cu */
extern const struct ps_nn_device ps_nn_device_cu;
/** Numbers of the step, on the device. */
const struct ps_nn_step *ps_nn_step_cu(void);
/** What a device needs for nets: queues, marks, room for numbers of steps. @param text out: versions of
 * libraries, with a comma before each @return PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status ps_nn_open_cu(char *text, size_t room);
void ps_nn_close_cu(void); /**< also of libraries' handles and groups of ranks */

/* cu_table.cu */
extern const struct ps_nn_kernels ps_nn_cu, ps_nn_cu_tf32, ps_nn_cu_bf16;

#endif
