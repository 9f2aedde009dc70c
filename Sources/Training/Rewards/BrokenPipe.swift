import Foundation
import Runs

/// Writes to a pipe; where nobody reads it any more, that is `EPIPE` as a return code and not a signal that ends us.
///
/// The signal is held back on this thread for the time of the call and taken away if it came. Ignoring it for the whole
/// process would be one line, but the process belongs to MPI and to whoever embeds this code.
package func writeWithoutSignal(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> (count: Int, error: Int32) {
    var brokenPipe = sigset_t()
    var before = sigset_t()
    var pending = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    sigpending(&pending)
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

    let count = write(descriptor, bytes.baseAddress, bytes.count)
    let error = count < 0 ? errno : 0
    if error == EPIPE, sigismember(&pending, SIGPIPE) == 0 {
        var noTime = timespec()
        while sigtimedwait(&brokenPipe, nil, &noTime) < 0, errno == EINTR {}
    }
    return (count, error)
}
