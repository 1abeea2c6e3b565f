/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN 4.0 includes <stdio.h> and uses nothing of it; a freestanding compiler has none. */
#if __has_include_next(<stdio.h>)
#include_next <stdio.h>
#endif
