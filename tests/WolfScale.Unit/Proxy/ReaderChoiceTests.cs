using System.Collections.Immutable;
using System.Net;
using WolfScale.Proxy.Routing;

namespace WolfScale.Unit.Proxy;

/// <summary>Which reader a session gets, and when it leaves the one it has.</summary>
public class ReaderChoiceTests
{
    [Fact]
    public void Sessions_are_spread_evenly()
    {
        ImmutableArray<Reader> readers = [Reader("a"), Reader("b"), Reader("c")];

        for (uint turn = 0; turn < 300; turn++)
            ReaderChoice.Choose(readers, null, turn)!.Load.Enter();

        Assert.All(readers, r => Assert.Equal(100, r.Load.Connections));
    }

    /// <summary>Sessions that read without a connection of this proxy: another proxy's, on the same node.</summary>
    [Fact]
    public void Other_proxies_sessions_count()
    {
        ImmutableArray<Reader> readers = [Reader("a", others: 10), Reader("b")];

        for (uint turn = 0; turn < 20; turn++)
            ReaderChoice.Choose(readers, null, turn)!.Load.Enter();

        Assert.Equal([5, 15], readers.Select(r => r.Load.Connections));
    }

    [Fact]
    public void A_follower_that_comes_back_gets_its_share_and_no_more()
    {
        ImmutableArray<Reader> readers = [Reader("a"), Reader("b"), Reader("c")];
        var sessions = Enumerable.Range(0, 60).Select(i => readers[i % 2]).ToList(); // c was away
        sessions.ForEach(r => r.Load.Enter());

        for (var round = 0u; round < 3; round++)
        {
            for (var i = 0; i < sessions.Count; i++)
            {
                var chosen = ReaderChoice.Choose(readers, sessions[i], round + (uint)i)!;
                sessions[i].Load.Leave();
                (sessions[i] = chosen).Load.Enter();
            }
        }

        Assert.All(readers, r => Assert.InRange(r.Load.Connections, 19, 21));
        Assert.Same(sessions[0], ReaderChoice.Choose(readers, sessions[0], 7)); // nobody moves where nothing is to be gained
    }

    [Fact]
    public void One_that_was_lost_is_left_out_until_it_is_heard_again()
    {
        ImmutableArray<Reader> readers = [Reader("a"), Reader("b")];
        readers[0].Load.IsSuspect = true;

        Assert.Equal(["b", "b", "b"], Enumerable.Range(0, 3).Select(i => ReaderChoice.Choose(readers, readers[0], (uint)i)!.Id));
        readers[1].Load.IsSuspect = true;
        Assert.Null(ReaderChoice.Choose(readers, null, 0));
        Assert.Null(ReaderChoice.Choose([], null, 0));
    }

    /// <summary>The number of its turn may be anything.</summary>
    [Fact]
    public void Turns_may_wrap_around() => Assert.NotNull(ReaderChoice.Choose([Reader("a"), Reader("b"), Reader("c")], null, uint.MaxValue));

    [Fact]
    public void A_position_that_was_told_may_go_back_and_one_that_was_waited_for_may_not()
    {
        var reader = Reader("a");
        reader.Tell(50);
        reader.Tell(49); // it was rewound
        Assert.Equal(49ul, reader.Reached);
        reader.See(60);
        reader.See(55);
        reader.Tell(40);
        Assert.Equal(60ul, reader.Reached);
    }

    private static Reader Reader(string id, int others = 0) => new(id, new IPEndPoint(IPAddress.Loopback, 1), new ReaderLoad()) { OtherSessions = others };
}
