using System.Net;
using System.Net.Sockets;
using System.Text;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Networks;

/// <summary>The network that other tests rely on: what is cut is cut, in the direction that was said, and is whole again afterwards.</summary>
public class NetworkBedTests
{
    private const int Port = 23999;

    [Fact]
    public async Task A_block_loses_one_direction_and_an_unplugged_host_hears_nobody()
    {
        await using var bed = await NetworkBed.CreateAsync(2);
        var (one, two) = (bed.Hosts[0], bed.Hosts[1]);
        using var first = await ListenAsync(one);
        using var second = await ListenAsync(two);

        await AssertHearAsync(two: true, one: true);
        await bed.BlockAsync(one, two);
        await AssertHearAsync(two: false, one: true);
        await bed.UnblockAsync(one, two);
        await bed.BlockAsync(two, one);
        await AssertHearAsync(two: true, one: false);
        await bed.UnblockAsync(two, one);
        await bed.UnplugAsync(two);
        await AssertHearAsync(two: false, one: false);
        await bed.PlugInAsync(two);
        await AssertHearAsync(two: true, one: true);
        await bed.PartitionAsync([one], [two]);
        await AssertHearAsync(two: false, one: false);

        async Task AssertHearAsync(bool two, bool one)
        {
            var word = Guid.NewGuid().ToString();
            var heard = (await ArrivesAsync(first, second, bed.Hosts[1], word, two), await ArrivesAsync(second, first, bed.Hosts[0], word, one));
            Assert.Equal((two, one), heard);
        }
    }

    private static async Task<Socket> ListenAsync(NetworkHost host)
    {
        var socket = await host.OpenSocketAsync(SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Any, Port));
        return socket;
    }

    /// <summary>
    /// Sends a word again and again until it arrives, or a second is over where it should not. Where it should, that can take some: a neighbour that was asked for in vain is asked for
    /// anew only after a while.
    /// </summary>
    private static async Task<bool> ArrivesAsync(Socket from, Socket to, NetworkHost host, string word, bool isExpected)
    {
        var bytes = Encoding.ASCII.GetBytes(word);
        var buffer = new byte[100];
        for (var attempt = 0; attempt < (isExpected ? 200 : 10); attempt++)
        {
            await from.SendToAsync(bytes, new IPEndPoint(IPAddress.Parse(host.Address), Port));
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            try
            {
                while (true)
                {
                    if (Encoding.ASCII.GetString(buffer, 0, await to.ReceiveAsync(buffer, limit.Token)) == word)
                        return true;
                }
            }
            catch (OperationCanceledException)
            {
                // Not this time.
            }
        }
        return false;
    }
}
