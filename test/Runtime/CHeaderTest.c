// The header is plain C: this file is compiled as such, and its tables have no padding.

#include "ai/Runtime/ai_rt.h"

#define AI_TEST_FIELDS(type, count)                                                                \
  typedef char type##_has_fields_of_eight_bytes[sizeof(type) == 8 * (count) ? 1 : -1]

AI_TEST_FIELDS(ai_rt_tensor_info_t, 10);
AI_TEST_FIELDS(ai_rt_step_t, 17);
AI_TEST_FIELDS(ai_rt_function_t, 9);
AI_TEST_FIELDS(ai_rt_program_t, 30);
AI_TEST_FIELDS(ai_rt_node_t, 5);
AI_TEST_FIELDS(ai_rt_feature_t, 2);
AI_TEST_FIELDS(ai_rt_kernel_t, 6);
AI_TEST_FIELDS(ai_rt_operand_t, 4);
AI_TEST_FIELDS(ai_rt_call_t, 14);
AI_TEST_FIELDS(ai_rt_gpu_step_t, 12);
AI_TEST_FIELDS(ai_rt_gpu_image_t, 3);
AI_TEST_FIELDS(ai_rt_config_t, 4);
AI_TEST_FIELDS(ai_rt_progress_t, 4);
AI_TEST_FIELDS(ai_rt_metrics_t, 3);
