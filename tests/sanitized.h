// Is this test built with a sanitizer? What repeats itself many times then does so less often: ten times
// slower code is to be looked at, not waited for.
#pragma once

namespace streamrun {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace streamrun
