"""Words for people who aren't named."""

# Organisations' documents name people by what they do.
ROLES = frozenset(
    """admin administrator anybody anyone approver assistant auditor author board boss captain chair chairman
    chairperson chief client clerk colleague committee contractor coordinator council counsel customer department
    deputy developer director division doctor editor employee employer engineer everybody everyone executive family
    founder government guest head hr inspector instructor lawyer leader maintainer manager mayor member mentor
    minister nobody nurse officer operator organiser organizer owner parent participant partner people person
    physician police president principal professor recipient reporter representative reviewer secretary somebody
    someone staff student supervisor supplier teacher team technician tenant treasurer user vendor visitor volunteer
    worker you""".split()  # noqa: SIM905 - read as words
)
