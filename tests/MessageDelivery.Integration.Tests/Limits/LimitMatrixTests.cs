using MessageDelivery.Hub.Limits;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>
/// Every limit, in every protocol, before and after a connection has become a user: made from the two lists, so that neither a limit nor
/// a protocol can be left out.
/// </summary>
public sealed class LimitMatrixTests
{
    public static TheoryData<string, string, string> Cells
    {
        get
        {
            var cells = new TheoryData<string, string, string>();
            foreach (var (limit, stage) in Due)
            {
                foreach (var spoken in SpokenProtocol.All)
                {
                    cells.Add(limit.Name, $"{stage}", spoken.Name);
                }
            }

            return cells;
        }
    }

    private static IEnumerable<(Limit Limit, LimitStage Stage)> Due =>
        from limit in Limit.All
        where !limit.NeedsAuthentication || LimitTrials.CoverAuthentication
        from stage in Enum.GetValues<LimitStage>()
        where limit.Stages.HasFlag(stage)
        select (limit, stage);

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Who_meets_it_is_told_and_nobody_else_notices(string limit, string stage, string protocol)
    {
        var trial = LimitTrials.Find(Limit.All.Single(one => one.Name == limit).Kind, Enum.Parse<LimitStage>(stage));
        Assert.NotNull(trial);
        await trial(SpokenProtocol.All.Single(spoken => spoken.Name == protocol));
    }

    [Fact]
    public void Every_limit_has_a_trial_at_each_of_its_stages() =>
        Assert.Empty(Due.Where(due => LimitTrials.Find(due.Limit.Kind, due.Stage) is null).Select(due => $"{due.Limit.Name} {due.Stage}"));

    [Fact]
    public void Every_trial_is_of_a_limit_at_one_of_its_stages() =>
        Assert.All(LimitTrials.Keys, key => Assert.True(Limit.Of(key.Kind).Stages.HasFlag(key.Stage), $"{key.Kind} {key.Stage}"));

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
