// RST: what we answer to segments that belong nowhere, and what a received one does.
#pragma once

#include "wire/segment.h"

namespace millrace::tcp {

// The RST that RFC 9293 §3.10.7.1 wants in answer to `segment`; false: none (it was a RST itself).
bool reset_for(const wire::Segment& segment, wire::Segment& reset);

}  // namespace millrace::tcp
