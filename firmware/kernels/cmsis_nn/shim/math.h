/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN 4.0 includes <math.h> and uses nothing of it; a freestanding compiler has none. */
#if __has_include_next(<math.h>)
#include_next <math.h>
#endif
