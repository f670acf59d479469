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

        Assert.Equal((true, true), await HearAsync());
        await bed.BlockAsync(one, two);
        Assert.Equal((false, true), await HearAsync());
        await bed.UnblockAsync(one, two);
        await bed.BlockAsync(two, one);
        Assert.Equal((true, false), await HearAsync());
        await bed.UnblockAsync(two, one);
        await bed.UnplugAsync(two);
        Assert.Equal((false, false), await HearAsync());
        await bed.PlugInAsync(two);
        Assert.Equal((true, true), await HearAsync());
        await bed.PartitionAsync([one], [two]);
        Assert.Equal((false, false), await HearAsync());

        async Task<(bool Two, bool One)> HearAsync()
        {
            var word = Guid.NewGuid().ToString();
            return (await ArrivesAsync(first, second, two, word), await ArrivesAsync(second, first, one, word));
        }
    }

    private static async Task<Socket> ListenAsync(NetworkHost host)
    {
        var socket = await host.OpenSocketAsync(SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Any, Port));
        return socket;
    }

    /// <summary>Sends a word again and again, for addresses have to be found out first, until it arrives or a second is over.</summary>
    private static async Task<bool> ArrivesAsync(Socket from, Socket to, NetworkHost host, string word)
    {
        var bytes = Encoding.ASCII.GetBytes(word);
        var buffer = new byte[100];
        for (var attempt = 0; attempt < 10; attempt++)
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
