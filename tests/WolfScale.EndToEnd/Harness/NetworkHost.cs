using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace WolfScale.EndToEnd.Harness;

/// <summary>One machine of a <see cref="NetworkBed"/>: a network namespace.</summary>
/// <param name="Number">From 1; the last part of its addresses.</param>
/// <param name="Namespace">As <c>ip netns</c> names it.</param>
internal sealed partial record NetworkHost(int Number, string Namespace)
{
    private const int NewNetwork = 0x40000000; // CLONE_NEWNET

    public string Address { get; } = string.Create(CultureInfo.InvariantCulture, $"10.77.0.{Number}");

    public string AddressV6 { get; } = string.Create(CultureInfo.InvariantCulture, $"fd77::{Number:x}");

    /// <summary>What stands before a program and its arguments so that it runs on this machine. <c>ip</c> executes it: the process id is the program's.</summary>
    public string[] Launcher => ["ip", "netns", "exec", Namespace];

    /// <summary>Asks this machine's HTTP servers from within its namespace, whatever host the address names that it can reach.</summary>
    public HttpClient Http(TimeSpan limit) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = await OpenSocketAsync(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Parse(context.DnsEndPoint.Host), context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    }) { Timeout = limit };

    /// <summary>
    /// A socket belongs to the namespace it was made in, for ever: a thread enters (setns(2) moves one thread alone), makes it, and ends.
    /// </summary>
    public Task<Socket> OpenSocketAsync(SocketType type, ProtocolType protocol)
    {
        var made = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{Namespace}");
                if (SetNamespace((int)handle.DangerousGetHandle(), NewNetwork) != 0)
                    throw new InvalidOperationException($"{Namespace} cannot be entered: {Marshal.GetLastPInvokeErrorMessage()}");
                made.SetResult(new Socket(AddressFamily.InterNetwork, type, protocol));
            }
            catch (Exception e)
            {
                made.SetException(e);
            }
        }) { IsBackground = true }.Start();
        return made.Task;
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);
}
