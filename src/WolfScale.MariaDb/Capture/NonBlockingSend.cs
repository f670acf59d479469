using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace WolfScale.MariaDb;

/// <summary>
/// send(2) that does not wait, on a socket whose reads do. .NET has no MSG_DONTWAIT, and a thread that announces commits must never
/// wait for a server that has stopped reading.
/// </summary>
internal static partial class NonBlockingSend
{
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int TryAgain = 11;
    private const int Interrupted = 4;

    /// <returns>Bytes taken by the system: 0 when there is no room now, −1 when the connection is broken.</returns>
    public static unsafe int TrySend(Socket socket, ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (true)
            {
                nint sent;
                fixed (byte* pointer = bytes)
                    sent = Send(socket.SafeHandle, pointer, (nuint)bytes.Length, DontWait | NoSignal);
                if (sent >= 0)
                    return (int)sent;
                switch (Marshal.GetLastPInvokeError())
                {
                    case Interrupted:
                        continue;
                    case TryAgain:
                        return 0;
                    default:
                        return -1;
                }
            }
        }
        catch (ObjectDisposedException)
        {
            return -1;
        }
    }

    // The handle's reference count keeps the descriptor from being closed, and given to another socket, in the middle of the call.
    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static unsafe partial nint Send(SafeSocketHandle socket, byte* bytes, nuint length, int flags);
}
