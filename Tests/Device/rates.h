#pragma once

/// Prints how long operators take; 0, or throws.
int rates();
