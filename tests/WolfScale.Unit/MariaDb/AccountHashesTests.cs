using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using WolfScale.MariaDb;

namespace WolfScale.Unit.MariaDb;

/// <summary>Thousands of sessions ask at once, and go on when the server that knows the answer is dead.</summary>
public class AccountHashesTests
{
    private static readonly byte[] Hash = SHA1.HashData(SHA1.HashData("secret"u8));
    private readonly FakeTimeProvider _time = new();
    private readonly Queue<TaskCompletionSource<IReadOnlyList<(string, string)>>> _readings = new();
    private readonly AccountHashes _accounts;
    private int _begun;

    public AccountHashesTests() => _accounts = new AccountHashes(
        _ =>
        {
            _begun++;
            var reading = new TaskCompletionSource<IReadOnlyList<(string, string)>>();
            _readings.Enqueue(reading);
            return reading.Task;
        },
        _time);

    [Fact]
    public async Task Who_asks_while_the_list_is_read_is_answered_by_the_next_one_together_with_all_others()
    {
        var first = _accounts.NativeAsync("app");
        var others = Enumerable.Range(0, 1000).Select(_ => _accounts.NativeAsync("made meanwhile")).ToList();
        Assert.Equal(1, _begun);
        _readings.Dequeue().SetResult([("app", Stored(Hash))]);
        Assert.Equal([Hash], await first);

        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _begun) == 2, TimeSpan.FromSeconds(20)));
        Assert.DoesNotContain(others, other => other.IsCompleted);
        _readings.Dequeue().SetResult([("app", Stored(Hash)), ("made meanwhile", ""), ("made meanwhile", Stored(Hash)), ("made meanwhile", "*odd")]);
        foreach (var other in others)
            Assert.Equal([[], Hash], await other);
        Assert.Equal(2, _begun);

        var later = _accounts.NativeAsync("nobody");
        _readings.Dequeue().SetResult([]);
        Assert.Empty(await later);
    }

    [Fact]
    public async Task A_dead_or_frozen_server_does_not_take_along_what_was_known_of_its_accounts()
    {
        for (var i = 0; i < 3; i++)
            _accounts.Remember(); // three logins
        Assert.Equal(0, _begun);
        _time.Advance(AccountHashes.RememberAfter);
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _begun) == 1, TimeSpan.FromSeconds(20)));
        _readings.Dequeue().SetResult([("app", Stored(Hash))]);

        var asked = _accounts.NativeAsync("app");
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _begun) == 2, TimeSpan.FromSeconds(20)));
        _readings.Dequeue().SetException(new IOException("dead"));
        Assert.Equal([Hash], await asked);

        asked = _accounts.NativeAsync("other");
        _readings.Dequeue().SetException(new IOException("dead"));
        _ = await Assert.ThrowsAsync<IOException>(() => asked);

        asked = _accounts.NativeAsync("app");
        _time.Advance(AccountHashes.QuestionLimit);
        Assert.Equal([Hash], await asked);
        Assert.Equal(4, _begun);
    }

    private static string Stored(byte[] hash) => "*" + Convert.ToHexString(hash);
}
