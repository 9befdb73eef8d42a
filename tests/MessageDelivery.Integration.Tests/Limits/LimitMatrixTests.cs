using MessageDelivery.Hub.Limits;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>
/// Every limit, in every protocol, before and after a connection has become a user: made from the two lists, so that neither a limit nor
/// a protocol can be left out.
/// </summary>
public sealed class LimitMatrixTests
{
    public static TheoryData<string, string, string> Open => Cells(isGuarded: false);

    [Theory]
    [MemberData(nameof(Open))]
    public Task Who_meets_it_is_told_and_nobody_else_notices(string limit, string stage, string protocol) => TryAsync(limit, stage, protocol);

    internal static Task TryAsync(string limit, string stage, string protocol)
    {
        var trial = LimitTrials.Find(Limit.All.Single(one => one.Name == limit).Kind, Enum.Parse<LimitStage>(stage));
        Assert.NotNull(trial);
        return trial(SpokenProtocol.All.Single(spoken => spoken.Name == protocol));
    }

    /// <summary>
    /// A hub that lets everybody in has each limit where it counts, but for those that have to do with tokens; one that demands a token has
    /// all of them on both sides of it.
    /// </summary>
    internal static TheoryData<string, string, string> Cells(bool isGuarded)
    {
        var cells = new TheoryData<string, string, string>();
        foreach (var (limit, stage) in Everything.Where(one => isGuarded || (!one.Limit.NeedsAuthentication && one.Limit.Stages.HasFlag(one.Stage))))
        {
            foreach (var spoken in SpokenProtocol.All.Where(spoken => spoken.IsGuarded == isGuarded))
            {
                cells.Add(limit.Name, $"{stage}", spoken.Name);
            }
        }

        return cells;
    }

    private static IEnumerable<(Limit Limit, LimitStage Stage)> Everything =>
        from limit in Limit.All
        from stage in Enum.GetValues<LimitStage>()
        select (limit, stage);

    [Fact]
    public void Everything_is_spoken_in_the_clear_and_in_TLS_with_and_without_tokens() => Assert.Equal(
        from words in SpokenProtocol.All.Select(spoken => spoken.Words).Distinct().Order()
        from isSecured in (bool[])[false, true]
        from isGuarded in (bool[])[false, true]
        select (words, isSecured, isGuarded),
        SpokenProtocol.All.Select(spoken => (spoken.Words, spoken.IsSecured, spoken.IsGuarded)).Order());

    [Fact]
    public void Every_limit_has_a_trial_at_each_of_its_stages() =>
        Assert.Empty(Everything.Where(due => LimitTrials.Find(due.Limit.Kind, due.Stage) is null).Select(due => $"{due.Limit.Name} {due.Stage}"));

    [Fact]
    public void Every_trial_is_of_a_limit_at_one_of_its_stages() =>
        Assert.All(LimitTrials.Keys, key => Assert.True(Limit.Of(key.Kind).Stages.HasFlag(key.Stage), $"{key.Kind} {key.Stage}"));

    [Fact]
    public void Every_other_trial_is_of_a_limit_where_it_does_not_count() =>
        Assert.All(LimitTrials.OtherKeys, key => Assert.False(Limit.Of(key.Kind).Stages.HasFlag(key.Stage), $"{key.Kind} {key.Stage}"));

    [Fact]
    public void The_limits_are_listed_in_the_order_of_their_kinds() =>
        Assert.Equal(Enum.GetValues<LimitKind>(), Limit.All.Select(limit => limit.Kind));

    [Fact]
    public void Every_limit_has_its_row_in_the_manual_and_its_setting_exists()
    {
        string[] manual = File.ReadAllLines(CommandLine.Repository.File("docs/operations.md"));
        Assert.All(Limit.All, limit => Assert.Single(
            manual,
            line => line.StartsWith($"| `{limit.Name}` | {(limit.Setting is null ? "" : $"`--{limit.Setting}` | ")}", StringComparison.Ordinal)));
        Assert.All(
            Limit.All.Where(limit => limit.Setting is not null),
            limit => Assert.Single(Cli.Settings.HubSettings.All, setting => setting.Name == limit.Setting));
    }
}
