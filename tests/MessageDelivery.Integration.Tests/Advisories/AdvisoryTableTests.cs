using System.Text.RegularExpressions;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>docs/security-advisories.md lists the classes of this folder, and each of them once.</summary>
public sealed partial class AdvisoryTableTests
{
    [Fact]
    public void Every_advisory_has_its_row_and_every_row_its_test()
    {
        string page = File.ReadAllText(Repository.File("docs/security-advisories.md"));
        string[] tests =
        [
            .. typeof(AdvisoryTableTests).Assembly.GetTypes()
                .Where(type => type.Namespace == typeof(AdvisoryTableTests).Namespace && type != typeof(AdvisoryTableTests)
                    && type.Name.EndsWith("Tests", StringComparison.Ordinal))
                .Select(type => type.Name),
        ];

        Assert.Equal(tests.Order(), TestName().Matches(page).Select(match => match.Groups[1].Value).Order());
    }

    [GeneratedRegex(@"\| `(\w+Tests)` \|")]
    private static partial Regex TestName();
}
