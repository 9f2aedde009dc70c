import Foundation
import MPI

/// Where progress is shown: a terminal that can redraw a line, or a log.
package struct ProgressOutput {
    /// How progress is shown.
    package enum Style: String, Sendable {
        /// One line, drawn again and again.
        case bar
        /// A new line every few seconds.
        case plain
    }

    /// How progress is shown.
    package var style: Style
    /// Characters that fit into a line of the terminal, asked anew for each drawing.
    package var width: () -> Int
    /// Writes text as it is.
    package var write: (String) -> Void

    /// An output.
    package init(style: Style, width: @escaping () -> Int = { 80 }, write: @escaping (String) -> Void) {
        self.style = style
        self.width = width
        self.write = write
    }

    /// Standard error: a bar on a terminal, else plain lines.
    ///
    /// `MPO_PROGRESS` (`bar` or `plain`) overrides what is found: a launcher knows the terminal, while its ranks see a
    /// pipe. `COLUMNS` gives the width where the terminal does not.
    package static func standardError(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> ProgressOutput {
        let found: Style = terminalWidth() == nil || environment["TERM"] == "dumb" ? .plain : .bar
        let style = environment["MPO_PROGRESS"].flatMap { Style(rawValue: $0.lowercased()) } ?? found
        let columns = environment["COLUMNS"].flatMap { Int($0) } ?? 80
        return ProgressOutput(
            style: style, width: { terminalWidth() ?? columns },
            write: { StandardError.write($0) })
    }

    /// The width of the terminal behind standard error; `nil` where there is none, or one that has no size, as those
    /// that launchers make for their ranks.
    private static func terminalWidth() -> Int? {
        var size = winsize()
        guard isatty(STDERR_FILENO) == 1, ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }
}
