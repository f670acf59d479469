using System.Net;
using System.Net.Sockets;

namespace WolfScale.Testing;

/// <summary>Runs of free TCP ports on loopback, below the kernel's range for outgoing connections so that no client takes one meanwhile.</summary>
internal static class Ports
{
    private const int Lowest = 15000;
    private const int Highest = 32000;
    private static readonly HashSet<int> Given = [];

    /// <summary>The first of <paramref name="count"/> ports in a row that are free now and were not given out before in this run.</summary>
    public static int FreeRange(int count)
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var first = Random.Shared.Next(Lowest / 10, (Highest - count) / 10) * 10;
            var range = Enumerable.Range(first, count).ToList();
            lock (Given)
            {
                if (range.Any(Given.Contains) || !range.TrueForAll(IsFree))
                    continue;
                Given.UnionWith(range);
                return first;
            }
        }
        throw new InvalidOperationException($"No {count} free ports in a row between {Lowest} and {Highest}.");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
