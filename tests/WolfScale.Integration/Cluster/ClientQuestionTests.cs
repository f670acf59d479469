using System.Collections.Concurrent;
using WolfScale.Cluster;

namespace WolfScale.Integration.Cluster;

/// <summary>A node asks the others for a client by the id that it was greeted with.</summary>
public class ClientQuestionTests
{
    [Fact]
    public async Task Every_other_node_is_asked_and_those_that_have_such_a_client_are_told_what_is_to_end()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var (one, two, three) = (cluster["node-1"], cluster["node-2"], cluster["node-3"]);
        await AllHearAllAsync(cluster);
        var (asking, found, silent) = (new Clients(), new Clients { [(17, "app")] = [new(70, true), new(71, false, 9)] }, new Clients());
        (one.Clients, two.Clients, three.Clients) = (asking, found, silent);

        Assert.Equal([new ClientElsewhere(two.Self, new ClientState(70, true)), new ClientElsewhere(two.Self, new ClientState(71, false, 9))], await one.FindClientsAsync(17, "app"));
        Assert.Empty(await one.FindClientsAsync(17, "root"));
        Assert.Equal([(17u, "app"), (17u, "root")], silent.Asked);
        Assert.Empty(asking.Asked); // its own it knows

        one.EndClient(new ClientElsewhere(two.Self, default), 17, "app", session: true);
        one.EndClient(new ClientElsewhere(two.Self, default), 17, "app", session: false);
        await cluster.UntilAsync("the orders", () => found.Ended.Count == 2);
        Assert.Equal([(17u, "app", true), (17u, "app", false)], found.Ended);
        Assert.Empty(silent.Ended);
    }

    /// <summary>A witness, and a node without a proxy; and one that dies is not waited for.</summary>
    [Fact]
    public async Task Who_has_no_clients_says_so_and_who_is_gone_is_not_missed()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var one = cluster["node-1"];
        await AllHearAllAsync(cluster);
        Assert.Empty(await one.FindClientsAsync(17, "app"));
        cluster["node-2"].Clients = new Clients { [(17, "app")] = [new(0, false)] };
        await cluster.KillAsync("node-3");
        Assert.Equal([new ClientState(0, false)], (await one.FindClientsAsync(17, "app")).Select(c => c.State));
    }

    private static Task AllHearAllAsync(TestCluster cluster) =>
        cluster.UntilAsync("all active everywhere", () => cluster.Nodes.All(n => n.View.Nodes.Length == 3 && n.View.Nodes.All(x => x.Status == NodeStatus.Active)));

    private sealed class Clients : ConcurrentDictionary<(uint Id, string User), ClientState[]>, IClientRegister
    {
        public ConcurrentQueue<(uint Id, string User)> Asked { get; } = new();

        public ConcurrentQueue<(uint Id, string User, bool Session)> Ended { get; } = new();

        public IReadOnlyList<ClientState> Find(uint clientId, string user)
        {
            Asked.Enqueue((clientId, user));
            return TryGetValue((clientId, user), out var states) ? states : [];
        }

        public void End(uint clientId, string user, bool session) => Ended.Enqueue((clientId, user, session));
    }
}
